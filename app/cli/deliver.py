"""The command that delivers a message by hand: by the running server when there is one, else here."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from app.cli.command import Command, Invocation
from app.cli.listing import print_rows
from app.cli.running import ask_server
from app.cli.standalone import work_here
from app.ctl.client import NotRunning
from app.ctl.protocol import Json

if TYPE_CHECKING:
    from app.config.live import Live
    from app.store.accounts import Accounts

PIECE: Final = 256 * 1024


def _deliver(invocation: Invocation) -> int:
    (address,) = invocation.expect(1)
    arguments: dict[str, Json] = {"address": address}
    try:
        with ask_server(invocation) as client:
            rows = client.call("deliver", arguments, source=_message())
    except NotRunning as no_server:
        rows = _deliver_here(invocation, arguments, no_server)
    return print_rows(rows, lambda row: f"delivered to {row['account']}, {row['mailbox']}", when_empty="to nobody")


def _message() -> Iterator[bytes]:
    """Standard input, with the line ends of mail whatever they are."""
    last = b""
    while piece := sys.stdin.buffer.read(PIECE):
        data = last + piece
        last = data[-1:] if data.endswith(b"\r") else b""
        yield data[: len(data) - len(last)].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if last:
        yield last


def _deliver_here(invocation: Invocation, arguments: dict[str, Json], no_server: NotRunning) -> Json:
    async def deliver(live: Live, accounts: Accounts) -> Json:
        from app.ctl.delivercommands import perform
        from app.ctl.protocol import Arguments

        async def pieces() -> AsyncIterator[bytes]:
            for piece in _message():
                yield piece

        return await perform(live, accounts, Arguments(arguments), pieces())

    return work_here(invocation, no_server, deliver)


COMMANDS = (
    Command(
        words="deliver",
        arguments="address",
        help="""Deliver a message from standard input to an address of this server, without SMTP.

It goes to the mailbox that the rules of the address say, past all checks. An alias delivers to its members; forwards
and vacation answers are left out. Works with the server running, and without one.

    mox deliver jane@example.org < message.eml
""",
        run=_deliver,
    ),
)
