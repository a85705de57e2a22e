"""Commands about junk filters: experiments with one in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import one_line

if TYPE_CHECKING:
    from app.operations.junkexperiments import Judged, Tally

_DATABASE = Flag("dbpath", "file of the filter; else junk.db in the working directory", placeholder="file")
_THRESHOLD = Flag("spam-threshold", "probability from which a message is junk; else 0.95", placeholder="number")
_WRONG = Flag("wrong", "also print each message that was judged wrongly", Value.NOTHING)


def _number(invocation: Invocation, name: str, default: str) -> float:
    text = invocation.text(name) or default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise UsageError(f"flag -{name} is a number from 0 to 1, not {text!r}")
    return number


def _database(invocation: Invocation) -> Path:
    return Path(invocation.text("dbpath") or "junk.db")


def _places(invocation: Invocation) -> tuple[Path, Path]:
    wanted, junk = invocation.expect(2)
    return Path(wanted), Path(junk)


class _Report:
    """Counts verdicts, and prints the wrong ones when asked to."""

    def __init__(self, invocation: Invocation) -> None:
        from app.operations.junkexperiments import Tally

        self.tally: Tally = Tally()
        self._tells_wrong = invocation.given("wrong")

    def tell(self, judged: Judged) -> None:
        self.tally.count(judged)
        if judged.is_wrong and self._tells_wrong:
            kind = "junk" if judged.message.is_junk else "wanted"
            print(f"{judged.probability:.4f}  {kind:<6}  {one_line(judged.message.place)}")

    def finish(self) -> int:
        tally = self.tally
        print(f"wanted: {_share(tally.wanted_wrong, tally.wanted)} called junk")
        print(f"junk:   {_share(tally.junk_wrong, tally.junk)} missed")
        return 0


def _share(part: int, whole: int) -> str:
    share = f" ({100 * part / whole:.2f} %)" if whole else ""
    return f"{part} of {whole} messages{share}"


def _train(invocation: Invocation) -> int:
    from app.operations.junkexperiments import read_sorted, train
    from app.store.junkfile import open_file

    wanted, junk = _places(invocation)
    with open_file(_database(invocation)) as filter_:
        train(filter_, read_sorted(wanted, junk))
        samples = filter_.samples
    print(f"the filter has learnt from {samples.wanted} wanted and {samples.junk} junk messages")
    return 0


def _check(invocation: Invocation) -> int:
    from app.operations.junkexperiments import features_in
    from app.store.corpus import read_samples
    from app.store.junkfile import open_file

    (name,) = invocation.expect(1)
    with open_file(_database(invocation), must_exist=True) as filter_:
        for sample in read_samples(Path(name)):
            verdict = filter_.verdict(features_in(sample))
            print(f"{verdict.probability:.6f}  {one_line(sample.place)}")
            for word in verdict.words:
                seen = f"in {word.count.junk} junk, {word.count.wanted} wanted"
                print(f"    {word.share:+.3f}  {one_line(word.text)} ({seen})")
    return 0


def _test(invocation: Invocation) -> int:
    from app.operations.junkexperiments import judge, read_sorted
    from app.store.junkfile import open_file

    wanted, junk = _places(invocation)
    threshold, report = _number(invocation, "spam-threshold", "0.95"), _Report(invocation)
    with open_file(_database(invocation), must_exist=True) as filter_:
        for message in read_sorted(wanted, junk):
            report.tell(judge(filter_, message, threshold))
    return report.finish()


def _analyze(invocation: Invocation) -> int:
    from app.operations.junkexperiments import judge, read_sorted, split, train
    from app.store.junkfile import open_file

    wanted, junk = _places(invocation)
    threshold, report = _number(invocation, "spam-threshold", "0.95"), _Report(invocation)
    share = _number(invocation, "train-ratio", "0.5")
    learnt, others = split(read_sorted(wanted, junk), share, int(invocation.text("seed") or 0))
    with open_file(None) as filter_:
        train(filter_, learnt)
        for message in others:
            report.tell(judge(filter_, message, threshold))
    print(f"trained on {len(learnt)} messages, tested on {len(others)}")
    return report.finish()


def _play(invocation: Invocation) -> int:
    from app.operations.junkexperiments import play, read_sorted
    from app.store.junkfile import open_file

    wanted, junk = _places(invocation)
    threshold, report = _number(invocation, "spam-threshold", "0.95"), _Report(invocation)
    with open_file(None) as filter_:
        play(filter_, list(read_sorted(wanted, junk)), threshold, report.tell)
    return report.finish()


COMMANDS = (
    Command(
        words="junk train",
        arguments="wanted junk",
        help="""Train a junk filter in a file on messages that are sorted.

Each of the two is a mailbox file (mbox), a Maildir, a directory of message files, or one message. What the filter
learnt before stays. Filters of accounts are not touched; those learn from flags.

    mox junk train ~/Maildir ~/Maildir/.Junk
""",
        run=_train,
        flags=(_DATABASE,),
        is_listed=False,
    ),
    Command(
        words="junk check",
        arguments="message",
        help="""Print how likely messages are junk, and the words that decide.

The argument is a message file, or what 'junk train' takes. 0 is wanted, 1 is junk; words with + speak for junk.

    mox junk check message.eml
""",
        run=_check,
        flags=(_DATABASE,),
        is_listed=False,
    ),
    Command(
        words="junk test",
        arguments="wanted junk",
        help="""Test a junk filter on sorted messages that it does not know, and print how often it is wrong.

    mox junk test wanted.mbox junk.mbox
""",
        run=_test,
        flags=(_DATABASE, _THRESHOLD, _WRONG),
        is_listed=False,
    ),
    Command(
        words="junk analyze",
        arguments="wanted junk",
        help="""Train a filter on a part of sorted messages, test it on the others, and print how often it is wrong.

The parts are chosen by chance, the same way each time for the same -seed. No file is written.

    mox junk analyze wanted.mbox junk.mbox
""",
        run=_analyze,
        flags=(
            Flag("train-ratio", "share to train on, from 0 to 1; else 0.5", placeholder="number"),
            Flag("seed", "another number makes other parts", Value.NUMBER, "number"),
            _THRESHOLD,
            _WRONG,
        ),
        is_listed=False,
    ),
    Command(
        words="junk play",
        arguments="wanted junk",
        help="""Play sorted messages in the order they were sent: judge each, then learn from it.

This is what a user gets who sorts all mail, from the first message on. No file is written.

    mox junk play wanted.mbox junk.mbox
""",
        run=_play,
        flags=(_THRESHOLD, _WRONG),
        is_listed=False,
    ),
)
