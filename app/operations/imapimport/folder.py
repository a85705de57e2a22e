"""One folder of another server: what is new in it, fetched and added in batches.

A batch and how far it reaches are one transaction. While one batch is being stored the next is fetched already. What
the server refuses or leaves out is listed as a problem and passed over, so that one broken message does not keep the
others away; what it refused is asked for again by the next run. A server that leaves ends the run, which goes on after
the last batch that was stored.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from app.net.imapclient import ImapClient, Message
from app.net.imaplink import ImapRefused
from app.operations.imapimport.folders import Planned
from app.operations.imapimport.progress import Progress
from app.operations.mailimport.incoming import Incoming, Taken
from app.operations.mailimport.taker import BATCH_BYTES, BATCH_COUNT, Taker
from app.store.account import imports
from app.store.account.handle import Account, Tx
from app.store.account.imports import Reached
from app.store.spool import Spool
from app.wire.imap.reading import Fetched
from app.wire.imap.tokens import MAX_NUMBER

MAX_REFUSED = 500  # messages of a folder that are asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an import works on."""

    client: ImapClient
    account: Account
    source_id: int
    tmp_dir: Path
    progress: Progress


@dataclass(slots=True)
class _Seen:
    """The messages that are new, by uid, in arrays, as there may be millions."""

    uids: array[int] = field(default_factory=lambda: array("I"))
    sizes: array[int] = field(default_factory=lambda: array("I"))
    numbers: array[int] = field(default_factory=lambda: array("Q"))  # Gmail's, or none
    is_sorted: bool = True

    def add(self, said: Fetched) -> None:
        """One more; servers answer in the order of uids, but need not."""
        self.is_sorted = self.is_sorted and (not self.uids or said.uid > self.uids[-1])
        self.uids.append(said.uid)
        self.sizes.append(min(said.size, MAX_NUMBER))
        self.numbers.append(said.gmail_id)

    def sort(self) -> None:
        """Into the order of uids, each once."""
        if self.is_sorted:
            return
        rows = {row[0]: row for row in zip(self.uids, self.sizes, self.numbers, strict=True)}
        ordered = [rows[uid] for uid in sorted(rows)]
        self.uids = array("I", (row[0] for row in ordered))
        self.sizes = array("I", (row[1] for row in ordered))
        self.numbers = array("Q", (row[2] for row in ordered))
        self.is_sorted = True

    def batches(self) -> Iterator[slice]:
        """Parts that are fetched at once."""
        start, size = 0, 0
        for at, one in enumerate(self.sizes):
            if at > start and (at - start >= BATCH_COUNT or size + one > BATCH_BYTES):
                yield slice(start, at)
                start, size = at, 0
            size += one
        if start < len(self.sizes):
            yield slice(start, len(self.sizes))


class FolderTaking:
    """Takes one folder."""

    def __init__(self, place: Place, planned: Planned) -> None:
        self._place = place
        self._planned = planned
        self._uidvalidity = self._compared_to = self._last = 0
        self._refused: set[int] = set()  # by earlier runs and by this one
        self._taker = Taker(place.account)
        self._comparing = Taker(place.account, skips_present=True)

    async def take(self) -> None:
        """Add what is new; raises ImapFailed, StoreError, Temporary."""
        place, raw = self._place, self._planned.raw
        opened = await place.client.examine(raw)
        reached = await place.account.read(lambda db: imports.reached(db, place.source_id, raw))
        self._uidvalidity = opened.uidvalidity
        is_renumbered = reached is not None and reached.uidvalidity != opened.uidvalidity
        if reached is not None and not is_renumbered:
            self._last, self._refused = reached.last_uid, set(reached.refused)
        await self._taker.make(self._planned.mailbox)
        if not opened.count or self._last >= MAX_NUMBER:
            return
        seen = _Seen()
        await place.client.sizes(self._last + 1, sorted(self._refused), seen.add)
        await asyncio.to_thread(seen.sort)
        self._refused.intersection_update(seen.uids)
        if is_renumbered and seen.uids:
            self._compared_to = seen.uids[-1]  # the uids are new ones, and the messages may be the same
        elif reached is not None:
            self._compared_to = reached.compared_to  # a run that did not come to the end
        place.progress.expected += len(seen.uids)
        await self._take_all(seen)

    async def _take_all(self, seen: _Seen) -> None:
        storing: asyncio.Task[None] | None = None
        try:
            for part in seen.batches():
                uids, numbers = seen.uids[part], seen.numbers[part]
                wanted = await self._unknown(uids, numbers)
                self._refused.difference_update(uids)
                found = await self._fetch(wanted, sum(seen.sizes[part]))
                try:
                    if storing is not None:
                        await storing
                except BaseException:
                    _discard(found)
                    raise
                noted = dict(zip(uids, numbers, strict=True)) if self._place.client.is_gmail else {}
                self._last = max(self._last, uids[-1])
                storing = asyncio.create_task(self._store(found, self._reached(), len(uids), noted))
        except BaseException:
            if storing is not None:  # what was begun is finished, also when cancelled
                await asyncio.gather(storing, return_exceptions=True)
            raise
        if storing is not None:
            await storing

    def _reached(self) -> Reached:
        refused = sorted(self._refused)[:MAX_REFUSED]
        return Reached(self._uidvalidity, self._last, self._compared_to, tuple(refused))

    async def _unknown(self, uids: Sequence[int], numbers: Sequence[int]) -> list[int]:
        """Those that were not taken from another folder, as Gmail shows them in several."""
        place = self._place
        if not place.client.is_gmail:
            return list(uids)
        known = await place.account.read(lambda db: imports.known_numbers(db, place.source_id, numbers))
        place.progress.present += sum(number in known for number in numbers)
        return [uid for uid, number in zip(uids, numbers, strict=True) if number not in known]

    async def _fetch(self, uids: list[int], size: int) -> list[Message]:
        """The messages; one after the other when the server refuses them together."""
        if not uids:
            return []
        found: list[Message] = []
        try:
            try:
                found = await self._place.client.fetch(uids, size, self._spool)
            except ImapRefused as refused:
                if len(uids) == 1:
                    self._refused.update(uids)
                    self._problem(uids[0], f"the server refuses it: {refused.words}")
                    return []
                for uid in uids:
                    found += await self._fetch([uid], size)
                return found
        except BaseException:
            _discard(found)
            raise
        for uid in sorted(set(uids) - {one.said.uid for one in found}):
            self._problem(uid, "the server does not give it; it may have been deleted meanwhile")
        return found

    def _spool(self) -> Spool:
        return Spool(self._place.tmp_dir)

    def _problem(self, uid: int, text: str) -> None:
        self._place.progress.note_problem(f"{self._planned.name}, message {uid}: {text}")

    async def _store(self, found: list[Message], place: Reached, passed: int, numbers: dict[int, int]) -> None:
        may_be_there = any(one.said.uid <= self._compared_to for one in found)
        try:
            batch = await asyncio.to_thread(self._batch, found)
        finally:
            _discard(found)
        there = [numbers[one.said.uid] for one in found if one.sink is not None] if numbers else []

        def note(tx: Tx, taken: Taken) -> None:
            imports.note(tx, self._place.source_id, self._planned.raw, place, taken.added)
            imports.note_numbers(tx, self._place.source_id, (number for number in there if number))

        progress = self._place.progress
        progress.count(await (self._comparing if may_be_there else self._taker).take(batch, note))
        progress.passed += passed

    def _batch(self, found: list[Message]) -> list[Incoming]:
        batch: list[Incoming] = []
        try:
            for one in sorted(found, key=lambda message: message.said.uid):
                if one.sink is None:
                    self._problem(one.said.uid, "it is too large")
                    continue
                batch.append(self._incoming(one.said, cast(Spool, one.sink)))
        except BaseException:
            for ready in batch:
                ready.body.discard()
            raise
        return batch

    def _incoming(self, said: Fetched, spool: Spool) -> Incoming:
        return Incoming(
            mailbox=self._planned.mailbox,
            body=spool.finish(),
            flags=said.flags,
            internaldate=said.internaldate,
            origin=f"{self._planned.name}, message {said.uid}",
        )


def _discard(found: list[Message]) -> None:
    for one in found:
        if one.sink is not None:
            one.sink.discard()
