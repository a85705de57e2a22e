"""The operation of the control socket after which the connection speaks IMAP, signed in as somebody of this server."""

from __future__ import annotations

import functools
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from app.config.live import Live
from app.config.lookup import AliasFound
from app.ctl.protocol import Json
from app.ctl.server import Call, Operation
from app.errors import Refusal, WireError
from app.wire.smtp.address import parse_address

ServeImap: TypeAlias = Callable[[socket.socket, str, str], Awaitable[None]]  # with an account and the address of it


def imap_operations(live: Live, serve_imap: ServeImap) -> dict[str, Operation]:
    """The operation by name."""
    return {"imapserve": functools.partial(_imap_serve, live, serve_imap)}


async def _imap_serve(live: Live, serve_imap: ServeImap, call: Call) -> Json:
    text = call.arguments.text("address")
    try:
        address = parse_address(text)
    except WireError as error:
        raise Refusal(f"{text!r} is no address: {error}") from None
    found = live.directory.find(address)
    if found is None:
        raise Refusal(f"{address} is no address of this server")
    if isinstance(found, AliasFound):
        raise Refusal(f"{address} is an alias, which has no mailboxes; name the address of a member")
    if found.account.login_disabled:
        raise Refusal(f"nobody may sign in to the account {found.account_name}: {found.account.login_disabled}")
    call.hand_over(lambda sock: serve_imap(sock, found.account_name, str(address)))
    return None
