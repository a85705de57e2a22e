"""The operation of the control socket after which the connection speaks IMAP, signed in as somebody of this server."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from app.config.live import Live
from app.ctl.protocol import Json
from app.ctl.server import Call, Operation, TakeOver
from app.errors import Refusal

ImapFor: TypeAlias = Callable[[str, str], Awaitable[TakeOver]]  # for an account and the address of it


def imap_operations(live: Live, imap_for: ImapFor) -> dict[str, Operation]:
    """The operation by name."""
    return {"imapserve": functools.partial(_imap_serve, live, imap_for)}


async def _imap_serve(live: Live, imap_for: ImapFor, call: Call) -> Json:
    address = call.arguments.text("address")
    found = live.directory.login_account(address)
    if found is None:
        raise Refusal(f"{address!r} is no address of an account here; aliases and disabled domains have none")
    if found.account.login_disabled:
        raise Refusal(f"nobody may sign in to the account {found.account_name}: {found.account.login_disabled}")
    call.hand_over(await imap_for(found.account_name, address))
    return None
