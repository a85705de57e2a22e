"""The operation of the control socket that delivers a message by hand."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterable

from app.config.listener import DEFAULT_MAX_MESSAGE_SIZE
from app.config.live import Live
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.errors import Refusal, WireError
from app.operations.delivering import deliver
from app.store.accounts import Accounts
from app.store.spool import Spool
from app.wire.smtp.address import parse_address


def deliver_operations(live: Live, accounts: Accounts) -> dict[str, Operation]:
    """The operation by name."""
    return {"deliver": functools.partial(_deliver, live, accounts)}


async def _deliver(live: Live, accounts: Accounts, call: Call) -> Json:
    return await perform(live, accounts, call.arguments, call.input())


async def perform(live: Live, accounts: Accounts, arguments: Arguments, message: AsyncIterable[bytes]) -> Json:
    """Deliver what comes; where it went."""
    text = arguments.text("address")
    try:
        address = parse_address(text)
    except WireError as error:
        raise Refusal(f"{text!r} is no address: {error}") from None
    spool = Spool(accounts.tmp_dir)
    try:
        async for piece in message:
            spool.write(piece)
            if spool.size > DEFAULT_MAX_MESSAGE_SIZE:
                raise Refusal(f"the message is larger than {DEFAULT_MAX_MESSAGE_SIZE >> 20} MB")
        if not spool.size:
            raise Refusal("the message is empty; nothing was delivered")
        body = await asyncio.to_thread(spool.finish)
    finally:
        spool.discard()
    try:
        done = await deliver(live, accounts, address, body)
    finally:
        body.discard()
    return [{"account": one.account, "mailbox": one.mailbox} for one in done]
