"""Commands about addresses that an account does not send to."""

from __future__ import annotations

from collections.abc import Mapping

from app.cli.command import Command, Flag, Invocation
from app.cli.listing import print_rows, when
from app.cli.standalone import ask_server_or_data
from app.ctl.protocol import Json

_ACCOUNT = Flag("account", "only those of this account")


def _rows(invocation: Invocation, operation: str, arguments: dict[str, Json], when_empty: str) -> int:
    with ask_server_or_data(invocation) as client:
        rows = client.call(operation, {"account": invocation.text("account"), **arguments})
    return print_rows(rows, _line, when_empty=when_empty)


def _line(row: Mapping[str, Json]) -> str:
    how = "by hand" if row["manual"] else "by itself"
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{row['account']} {row['original_address']} since {when(row['created'])}, {how}{reason}"


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    return _rows(invocation, "queuesuppresslist", {}, "no suppressed addresses")


def _look_up(invocation: Invocation) -> int:
    (address,) = invocation.expect(1)
    return _rows(invocation, "queuesuppresslookup", {"address": address}, "not suppressed")


def _add(invocation: Invocation) -> int:
    account, address = invocation.expect(2)
    with ask_server_or_data(invocation) as client:
        arguments: dict[str, Json] = {"account": account, "address": address, "reason": invocation.text("reason")}
        client.call("queuesuppressadd", arguments)
    return 0


def _remove(invocation: Invocation) -> int:
    account, address = invocation.expect(2)
    with ask_server_or_data(invocation) as client:
        client.call("queuesuppressremove", {"account": account, "address": address})
    return 0


COMMANDS = (
    Command(
        words="queue suppress list",
        help="""List the addresses that accounts do not send to.

    mox queue suppress list -account jane
""",
        run=_list,
        flags=(_ACCOUNT,),
    ),
    Command(
        words="queue suppress add",
        arguments="account address",
        help="""Have mail of an account to an address fail at once.

Its sender is told, as of any failure. Dots, case, and what follows + or - do not matter in the part before the @.

    mox queue suppress add -reason "left the company" jane joe@example.org
""",
        run=_add,
        flags=(Flag("reason", "words for those who list it", placeholder="text"),),
    ),
    Command(
        words="queue suppress remove",
        arguments="account address",
        help="""Let an account send to an address again.

    mox queue suppress remove jane joe@example.org
""",
        run=_remove,
    ),
    Command(
        words="queue suppress lookup",
        arguments="address",
        help="""Tell which accounts do not send to an address.

    mox queue suppress lookup joe@example.org
""",
        run=_look_up,
        flags=(_ACCOUNT,),
    ),
)
