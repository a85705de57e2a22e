"""The checks without a set-up: their rows as text, and what they amount to.

The verdict is honest about what cannot be seen from inside: that mail can be received is only proven by a mail that
came. Used by the command `preflight`, and by `quickstart` for what it prints.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from quickstart.checks.finding import LEFT_OUT, Context, Finding, State, printable
from quickstart.checks.ports import WEB_PORTS
from quickstart.checks.table import CHECKS, Result, run_all

WIDTH = 100
_MARKS = {State.OK: "ok", State.WARN: "warn", State.BAD: "BAD", State.UNKNOWN: "?"}
_ORDER = (State.BAD, State.WARN, State.UNKNOWN)
_LABELS = ("What it means:", "What breaks:", "How to mend it:")
_NEEDED_TO_RECEIVE = ("addresses", "port-25", "hostname", "domain", "disk")
_NO_FAULT = tuple(f"port-{port}" for port in WEB_PORTS)  # a web server that is there may stay
_HINDERS_SENDING = ("reverse", "blocklists")


class Answer(Enum):
    """Whether something will work."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer and its reason, in a sentence."""

    answer: Answer
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all findings amount to."""

    receive: Judgement
    send: Judgement
    to_mend: Sequence[str]  # titles of rows that are BAD or WARN

    @property
    def is_good(self) -> bool:
        """Whether this machine will do as it is."""
        return self.receive.answer is self.send.answer is Answer.YES


async def examine(context: Context, show: Callable[[Result], None] = lambda result: None) -> list[Result]:
    """Run all checks, show each as it comes, and give them in the order of the rows."""
    found: dict[str, Result] = {}
    async for result in run_all(context):
        show(result)
        found[result.check.key] = result
    return [found[check.key] for check in CHECKS]


def verdict(results: Sequence[Result]) -> Verdict:
    """Can mail be received, can it be sent, what needs mending."""
    findings = {result.check.key: result.finding for result in results}
    faulty = [one.check for one in results if one.finding.state in (State.BAD, State.WARN)]
    needs = [check.title for check in faulty if check.key not in _NO_FAULT]
    return Verdict(receive=_receive(findings), send=_send(findings), to_mend=needs)


def _receive(findings: Mapping[str, Finding]) -> Judgement:
    needed = [findings[key] for key in _NEEDED_TO_RECEIVE]
    if bad := [one.summary for one in needed if one.state is State.BAD]:
        return Judgement(Answer.NO, f"Not as it is. {' '.join(bad)}")
    if findings["resolver"].state is State.BAD:
        return Judgement(Answer.UNSURE, f"That could not be found out. {findings['resolver'].summary}")
    if findings["addresses"].state is not State.OK:
        return Judgement(Answer.UNSURE, f"Perhaps. {findings['addresses'].summary}")
    if unknown := [one.summary for one in needed if one.state is State.UNKNOWN]:
        return Judgement(Answer.UNSURE, f"That could not be found out. {' '.join(dict.fromkeys(unknown))}")
    return Judgement(
        Answer.YES,
        "Yes, as far as can be seen from inside, once the DNS records are published. A firewall of the provider would "
        "only show when the first mail is sent here.",
    )


def _send(findings: Mapping[str, Finding]) -> Judgement:
    four, six = findings["outbound-4"], findings["outbound-6"]
    if four.state is State.BAD and not _is_open(six):
        return Judgement(Answer.NO, "No: this network blocks outgoing port 25. Sending needs a relay (smarthost).")
    if not _is_open(four) and _is_open(six):
        return Judgement(Answer.UNSURE, "Only to servers with IPv6; others need a relay (smarthost).")
    if not _is_open(four):
        return Judgement(Answer.UNSURE, f"That could not be found out. {four.summary}")
    if hindered := [findings[key].summary for key in _HINDERS_SENDING if findings[key].state is State.BAD]:
        return Judgement(
            Answer.UNSURE, f"The port is open, but much of your mail will be refused. {' '.join(hindered)}"
        )
    return Judgement(Answer.YES, "Yes.")


def _is_open(finding: Finding) -> bool:
    """Whether somebody answered over this family; an OK without answers is a machine that does not have it."""
    return finding.state is State.OK and bool(finding.facts.get("Answers"))


def row(result: Result) -> str:
    """One line for a result, or as many as it needs."""
    head = f"{_MARKS[result.finding.state]:4}  {result.check.title:19}  "
    return _fill(result.finding.summary, head, " " * len(head))


def explanations(results: Sequence[Result]) -> list[str]:
    """A paragraph for each finding that is not OK, the worst first; not for what was left out on purpose."""
    told = [one for one in results if one.finding.state in _ORDER and one.finding.summary != LEFT_OUT]
    return [_explanation(one) for one in sorted(told, key=_rank)]


def _rank(result: Result) -> int:
    return _ORDER.index(result.finding.state)


def _explanation(result: Result) -> str:
    finding = result.finding
    lines = [_fill(f"{result.check.title}: {finding.summary}")]
    lines += [_fill(printable(fact), "  - ", "    ") for facts in finding.facts.values() for fact in facts]
    texts = (finding.meaning, finding.breaks, finding.fix)
    lines += [_fill(text, f"  {label:16}", " " * 18) for label, text in zip(_LABELS, texts, strict=True) if text]
    return "\n".join(lines)


def closing(results: Sequence[Result]) -> str:
    """The verdict as text."""
    found = verdict(results)
    lines = [
        _fill(found.receive.text, "Can this machine receive mail?  ", " " * 32),
        _fill(found.send.text, "Can this machine send mail?     ", " " * 32),
    ]
    if found.to_mend:
        lines.append(_fill(", ".join(found.to_mend) + ".", "Worth mending:                  ", " " * 32))
    return "\n".join(lines)


def _fill(text: str, first: str = "", others: str = "") -> str:
    """Wrapped, but never inside a word: commands and addresses stay whole."""
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
