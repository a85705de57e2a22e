"""Commands that list and change the queue of the running server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from app.cli import holdrules, retired, suppressions
from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import one_line, print_rows, when
from app.cli.queuefilter import ALL, FILTERS, filter_arguments, has_filter, parse_duration
from app.cli.standalone import ask_server_or_data
from app.ctl.protocol import ControlError, Json

PAGE_ROWS = 1000  # of one answer of the server
MAX_ROWS = 10**9


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    arguments = filter_arguments(invocation)
    arguments["oldest_first"] = invocation.given("asc")
    wanted, shown = int(invocation.text("n") or 0), 0
    if wanted > MAX_ROWS:
        raise ControlError(f"{wanted} is too large a number of messages")
    while True:
        arguments["limit"] = min(wanted - shown, PAGE_ROWS) if wanted else PAGE_ROWS
        with ask_server_or_data(invocation) as client:  # a page each, as the queue may be long
            rows = client.call("queuelist", arguments)
        if not isinstance(rows, list) or (not rows and shown):
            break
        print_rows(rows, _line, when_empty="no messages")
        shown += len(rows)
        last = rows[-1] if rows else None
        if len(rows) < PAGE_ROWS or shown == wanted or not isinstance(last, dict):
            break
        arguments["after"], arguments["after_id"] = last["next"], last["id"]
    return 0


def _attempts(invocation: Invocation) -> int:
    number = _number(invocation)
    with ask_server_or_data(invocation) as client:
        found = client.call("queueattempts", {"id": number})
    if not isinstance(found, dict):
        raise ControlError("the server's answer cannot be understood")
    print(one_line(f"{found['id']} from <{found['from']}> to <{found['to']}>, {_plan(found)}"))
    tried = found["tried"]
    for row in tried if isinstance(tried, list) else []:
        if isinstance(row, dict):
            _print_attempt(row)
    if not tried:
        print("no attempt has ended yet")
    return 0


def _plan(row: Mapping[str, Json]) -> str:
    if row["hold"]:
        return "on hold: tried again after 'queue unhold'"
    return f"{row['attempts']} attempts so far, the next at {when(row['next'])}"


def _print_attempt(row: Mapping[str, Json]) -> None:
    place = f"{row['host']} [{row['ip']}]" if row["ip"] else str(row["host"] or "no server was reached")
    outcome = "delivered" if row["success"] else row["error"]
    print()
    print(one_line(f"{when(row['started'])} {place}: {outcome}"))
    if row["security"]:
        print(one_line(f"Connection: {row['security']}"))
    for line in str(row["dialogue"]).splitlines():
        print(one_line(line))


def _line(row: Mapping[str, Json]) -> str:
    state = " hold" if row["hold"] else ""
    times = f"next {when(row['next'])}, last {when(row['last'])}"
    text = f"{row['id']}{state} {when(row['queued'])} from <{row['from']}> to <{row['to']}>, {times}, {row['error']}"
    return text.rstrip(", ")


def _change(invocation: Invocation, name: str, more: dict[str, Json]) -> int:
    """Ask for a change of the messages that the flags mean, and print how many that were."""
    with ask_server_or_data(invocation) as client:
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
    number = _number(invocation)
    with ask_server_or_data(invocation) as client:
        client.call("queuedump", {"id": number}, output=sys.stdout.buffer.write)
    return 0


def _number(invocation: Invocation) -> int:
    [text] = invocation.expect(1)
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!r} is not the number of a message")
    return int(text)


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
    Command(
        words="queue attempts",
        arguments="number",
        help="""Print what was tried for a message, and what was said to the servers.

For each attempt the time, the server, the reason it failed, and the SMTP dialogue (C: we, S: the server), with seconds
since its start. Neither the message nor a password is in it.

    mox queue attempts 12
""",
        run=_attempts,
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
    *retired.COMMANDS,
    *holdrules.COMMANDS,
    *suppressions.COMMANDS,
)
