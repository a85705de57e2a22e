"""Commands about mail that has left the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import print_rows, when
from app.cli.queuefilter import parse_moment, require_values
from app.cli.standalone import ask_server_or_data
from app.ctl.protocol import Json

_RESULTS = {"success": True, "failure": False}


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    require_values(invocation, "account", "from", "to", "result", "lastactivity")
    arguments: dict[str, Json] = {name: invocation.text(name) for name in ("account", "from", "to")}
    if limit := invocation.text("n"):
        arguments["limit"] = int(limit)
    if result := invocation.text("result"):
        if result not in _RESULTS:
            raise UsageError("-result is success or failure")
        arguments["success"] = _RESULTS[result]
    if text := invocation.text("lastactivity"):
        side, moment = parse_moment(text)
        arguments[f"last_{side}"] = moment
    with ask_server_or_data(invocation) as client:
        rows = client.call("queueretiredlist", arguments)
    return print_rows(rows, _line, when_empty="no mail is remembered; KeepRetiredMessagePeriod says for how long")


def _line(row: Mapping[str, Json]) -> str:
    outcome = "delivered" if row["success"] else "given up"
    attempts = f"{row['attempts']} attempts"
    path = f"from <{row['reverse_path']}> to <{row['recipient']}>"
    return f"{row['id']} {outcome} {when(row['last_activity'])} {path}, {attempts}"


def _print(invocation: Invocation) -> int:
    (text,) = invocation.expect(1)
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!r} is not the number of a message")
    with ask_server_or_data(invocation) as client:
        print(json.dumps(client.call("queueretiredprint", {"id": int(text)}), indent="\t"))
    return 0


COMMANDS = (
    Command(
        words="queue retired list",
        help="""List mail that was delivered or given up, the latest first.

It is remembered as long as KeepRetiredMessagePeriod of the account in domains.conf says; without it not at all.

    mox queue retired list -to @example.org -result failure
""",
        run=_list,
        flags=(
            Flag("account", "only of this account"),
            Flag("from", "only with this sender, a whole address or @domain", placeholder="address"),
            Flag("to", "only to this recipient, a whole address or @domain", placeholder="address"),
            Flag("result", "only what was delivered, or what was given up", placeholder="success|failure"),
            Flag("lastactivity", "only what ended before (<) or after (>) a time, such as '>-1h'", placeholder="time"),
            Flag("n", "at most so many", Value.NUMBER, "max"),
        ),
    ),
    Command(
        words="queue retired print",
        arguments="number",
        help="""Print all about mail that has left the queue, as JSON, with each attempt and what was said.

    mox queue retired print 12
""",
        run=_print,
    ),
)
