"""Adds messages of a backup to an account that is open; mail goes on meanwhile.

What a mailbox has already, byte for byte, is not added again: a restore that was ended is simply run again. Messages
whose stored bytes are damaged or missing get them back, wherever they are. Raises OverQuota, Temporary; what was added
until then stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from app.operations.mailimport.incoming import Incoming
from app.operations.mailimport.taker import BATCH_BYTES, BATCH_COUNT, Taker
from app.store.account.handle import Account


@dataclass(slots=True)
class Returned:
    """What came back."""

    added: int = 0
    present: int = 0  # were there already
    mended: int = 0  # were there, damaged, and are whole again
    problems: list[str] = field(default_factory=list)


async def take_back(account: Account, messages: AsyncIterator[Incoming]) -> Returned:
    """Add them."""
    returned, taker = Returned(), Taker(account, skips_present=True, mends=True)
    batch: list[Incoming] = []

    async def store() -> None:
        full, batch[:] = list(batch), []
        taken = await taker.take(full)
        returned.added += taken.added
        returned.present += taken.present
        returned.mended += taken.mended
        returned.problems += taken.problems

    try:
        async for one in messages:
            batch.append(one)
            if len(batch) >= BATCH_COUNT or sum(each.body.size for each in batch) >= BATCH_BYTES:
                await store()
        if batch:
            await store()
    finally:
        for one in batch:
            one.body.discard()
    return returned
