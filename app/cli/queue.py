"""Commands that list and change the queue of the running server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import print_rows, when
from app.cli.queuefilter import ALL, FILTERS, filter_arguments, has_filter, parse_duration
from app.cli.running import ask_server
from app.ctl.protocol import Json


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    arguments = filter_arguments(invocation)
    arguments["oldest_first"] = invocation.given("asc")
    with ask_server(invocation) as client:
        rows = client.call("queuelist", arguments)
    return print_rows(rows, _line, when_empty="no messages")


def _line(row: Mapping[str, Json]) -> str:
    state = " hold" if row["hold"] else ""
    times = f"next {when(row['next'])}, last {when(row['last'])}"
    text = f"{row['id']}{state} {when(row['queued'])} from <{row['from']}> to <{row['to']}>, {times}, {row['error']}"
    return text.rstrip(", ")


def _change(invocation: Invocation, name: str, more: dict[str, Json]) -> int:
    """Ask for a change of the messages that the flags mean, and print how many that were."""
    with ask_server(invocation) as client:
        count = client.call(name, {**filter_arguments(invocation), **more})
    print(f"{count} changed" if name != "queuedrop" else f"{count} dropped")
    return 0


def _hold(invocation: Invocation) -> int:
    invocation.expect(0)
    return _change(invocation, "queueholdset", {"set": True})


def _unhold(invocation: Invocation) -> int:
    invocation.expect(0)
    return _change(invocation, "queueholdset", {"set": False})


def _schedule(invocation: Invocation) -> int:
    [text] = invocation.expect(1)
    seconds = parse_duration(text)
    from_now = invocation.given("now")
    return _change(invocation, "queueschedule", {"when": time.time() + seconds} if from_now else {"by": seconds})


def _transport(invocation: Invocation) -> int:
    [name] = invocation.expect(1)
    return _change(invocation, "queuetransport", {"name": name})


def _require_tls(invocation: Invocation) -> int:
    [word] = invocation.expect(1)
    values: dict[str, Json] = {"yes": True, "no": False, "default": None}
    if word not in values:
        raise UsageError("say yes, no or default")
    return _change(invocation, "queuerequiretls", {"require": values[word]})


def _fail(invocation: Invocation) -> int:
    invocation.expect(0)
    _need_filter(invocation)
    return _change(invocation, "queuefail", {})


def _drop(invocation: Invocation) -> int:
    invocation.expect(0)
    _need_filter(invocation)
    return _change(invocation, "queuedrop", {})


def _need_filter(invocation: Invocation) -> None:
    """What cannot be undone is not done to everything by leaving something out."""
    if not has_filter(invocation) and not invocation.given("all"):
        raise UsageError("say which messages, or -all")


def _dump(invocation: Invocation) -> int:
    [number] = invocation.expect(1)
    if not (number.isascii() and number.isdigit()):
        raise UsageError(f"{number!r} is not the number of a message")
    with ask_server(invocation) as client:
        client.call("queuedump", {"id": int(number)}, output=sys.stdout.buffer.write)
    return 0


def _command(
    words: str, help_text: str, run: Callable[[Invocation], int], arguments: str = "", *flags: Flag
) -> Command:
    """A command with the flags that say which messages."""
    return Command(words=words, help=help_text, run=run, arguments=arguments, flags=(*FILTERS, *flags))


COMMANDS = (
    _command(
        "queue list",
        """List the messages in the queue.

One line for each recipient: number, time of submission, from, to, next and last attempt, and the error of the last one.
The one with the latest next attempt comes first.

    mox queue list -to @example.org
""",
        _list,
        "",
        Flag("asc", "the one with the earliest next attempt first", Value.NOTHING),
    ),
    _command(
        "queue hold",
        """Put messages on hold; they are not attempted until 'queue unhold'.

    mox queue hold -account jane
""",
        _hold,
    ),
    _command(
        "queue unhold",
        """Let messages that are on hold be attempted again.

    mox queue unhold -ids 12,13
""",
        _unhold,
    ),
    _command(
        "queue schedule",
        """Change the time of the next attempt.

Moves it by a duration; a negative one goes after --. With -now, sets it to that long from now.

    mox queue schedule -to @example.org -now 0s
""",
        _schedule,
        "duration",
        Flag("now", "count from now instead of from the planned time", Value.NOTHING),
    ),
    _command(
        "queue transport",
        """Deliver messages through a transport of mox.conf; an empty name goes back to the routes.

    mox queue transport -ids 12 smarthost
""",
        _transport,
        "name",
    ),
    _command(
        "queue requiretls",
        """Change whether messages may only go over verified TLS.

    mox queue requiretls -ids 12 no
""",
        _require_tls,
        "yes|no|default",
    ),
    _command(
        "queue fail",
        """Give messages up now; their senders are notified.

    mox queue fail -to jane@example.org
""",
        _fail,
        "",
        ALL,
    ),
    _command(
        "queue drop",
        """Remove messages from the queue without telling anybody.

    mox queue drop -from @example.org
""",
        _drop,
        "",
        ALL,
    ),
    Command(
        words="queue dump",
        arguments="number",
        help="""Print a message of the queue as it would be sent.

    mox queue dump 12
""",
        run=_dump,
    ),
)
