"""Delivers a message for its recipients, one at a time: an address, or an alias with its members.

The result for each is None, or the reply that says why not. Nothing is held while the store works, so deliveries on
many connections share a commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.config.lookup import AliasFound, Destined
from app.smtpserver import aliases
from app.smtpserver.storing import count_rejected, give_back, store
from app.smtpserver.transaction import Recipient, Returned
from app.smtpserver.work import Work
from app.store.account.prepare import Prepared, prepare
from app.store.spool import Body
from app.wire.smtp import codes
from app.wire.smtp.address import ForwardPath
from app.wire.smtp.reply import Reply

THREAD_BYTES = 64 * 1024  # larger messages are analysed in a thread

UNKNOWN = codes.NO_SUCH_RECIPIENT.reply("no such user")
_ALIAS = codes.ALIAS_NOT_ALLOWED.reply("only members may write to this address")


async def prepare_message(body: Body) -> Prepared:
    """All that the store keeps about the message; in a thread when it is large."""
    if body.size <= THREAD_BYTES:
        return prepare(body)
    return await asyncio.to_thread(prepare, body)


async def deliver_all(work: Work) -> list[Reply | None]:
    """The results for all recipients, in their order."""
    return await _together([deliver_one(work, recipient) for recipient in work.recipients])


async def deliver_one(work: Work, recipient: Recipient) -> Reply | None:
    """Deliver for one recipient."""
    found = recipient.found
    if found is None:
        count_rejected("unknown-user")
        return UNKNOWN
    if isinstance(found, Returned):
        return await give_back(work, found)
    if isinstance(found, Destined):
        return await store(work, found, recipient.path)
    return await _deliver_to_members(work, found, recipient.path)


async def _together(works: list[Coroutine[Any, Any, Reply | None]]) -> list[Reply | None]:
    """The results of all, which run at the same time so that they commit together."""
    if len(works) == 1:
        return [await works[0]]
    return list(await asyncio.gather(*works))


async def _deliver_to_members(work: Work, found: AliasFound, path: ForwardPath) -> Reply | None:
    """Deliver to an alias; it is enough when one member gets the message."""
    author_found = work.resources.directory.find(work.author) if work.author is not None else None
    if not aliases.may_post(found, work.author, author_found):
        count_rejected("alias-not-allowed")
        return _ALIAS
    direct = [one.found for one in work.recipients if isinstance(one.found, Destined)]
    chosen = aliases.members(found, direct, author_found)
    results = await _together([store(work, member, path) for member in chosen])
    return None if not results or None in results else results[0]
