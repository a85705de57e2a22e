"""The command that lists who tried to sign in."""

from __future__ import annotations

from collections.abc import Mapping

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.listing import print_rows, when
from app.cli.standalone import ask_server_or_data
from app.ctl.protocol import Json

LIMIT = 50


def _list(invocation: Invocation) -> int:
    names = invocation.expect(0, 1)
    arguments: dict[str, Json] = {"limit": int(invocation.text("n", str(LIMIT))), "failed": invocation.given("failed")}
    if names:
        arguments["account"] = names[0]
    with ask_server_or_data(invocation) as client:
        rows = client.call("loginattempts", arguments)
    return print_rows(rows, _line, when_empty="no sign-ins in the last 30 days")


def _line(row: Mapping[str, Json]) -> str:
    whom = f"{row['account']} {row['login_address']}".strip()
    key = f" key {row['client_key']}" if row["client_key"] else ""
    how = " ".join(str(row[name]) for name in ("protocol", "mechanism", "tls", "user_agent") if row[name])
    return f"{when(row['last'])} {row['result']} {row['count']}x {whom} from {row['remote']}, {how}{key}"


COMMANDS = (
    Command(
        words="loginattempts",
        arguments="[account]",
        flags=(
            Flag("failed", "only those that failed", Value.NOTHING),
            Flag("n", f"at most this many lines, {LIMIT} without this flag", Value.NUMBER, "number"),
        ),
        help="""
List who signed in, and who tried to, the newest first.

Equal attempts are one line with a count and the time of the last. The account "-" stands for unknown users, "(admin)"
for the administrator. Attempts of the last 30 days are kept.

    mox loginattempts
    mox loginattempts -failed jane
""",
        run=_list,
    ),
)
