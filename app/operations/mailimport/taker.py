"""Adds messages to an account, batch by batch, for every kind of import.

    taken = await Taker(account, skips_present=True).take(batch, note)

A batch is one transaction, with what the caller notes in it: either all of it is there afterwards or nothing is, and
sessions that look at a mailbox are told. Mailboxes are made when absent. Raises OverQuota and Temporary; then nothing
of the batch was added. What is wrong with single messages is in the answer. The bodies are discarded in any case.
With `skips_present` messages are left out that their mailbox held when the import began; two equal ones in an archive
both come.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from app.errors import BadMailboxName
from app.operations.mailimport.incoming import Incoming, Taken
from app.store.account import mailboxes, mending, messages
from app.store.account.copies import Copies
from app.store.account.handle import Account, Tx
from app.store.account.prepare import Prepared, prepare
from app.wire.imap.mailboxname import canonical

BATCH_COUNT: Final = 100
BATCH_BYTES: Final = 4 * 1024 * 1024
MAX_KEYWORDS: Final = 50  # of a message
MAX_DISTINCT: Final = 500  # keywords of a mailbox; the FLAGS of every SELECT name them all

Note: TypeAlias = Callable[[Tx, Taken], None]


def note_nothing(tx: Tx, taken: Taken) -> None:
    """For callers that keep no place."""


@dataclass(slots=True)
class _Ready:
    """A message that only has to be added."""

    incoming: Incoming
    mailbox: str
    prepared: Prepared


class Taker:
    """Adds to one account, for one import."""

    def __init__(
        self, account: Account, *, skips_present: bool = False, began_at: int | None = None, mends: bool = False
    ) -> None:
        """`began_at` is the mark that `begin` gave when an import that goes on now began.

        With `mends`, bytes that are stored and damaged are put right by the same message that comes.
        """
        self._mends = mends
        self._account = account
        self._skips_present = skips_present
        self._began_at = began_at
        self._copies: Copies | None = None
        self._keywords: dict[str, set[str]] = {}

    async def begin(self) -> int:
        """The mark that divides what was there from what comes."""
        if self._began_at is None:
            self._began_at = await self._account.read(Copies.mark)
        return self._began_at

    async def make(self, mailbox: str) -> None:
        """Make a mailbox that nothing may come into; raises BadMailboxName."""
        name = canonical(mailbox)
        await self._account.write(lambda tx: mailboxes.ensure(tx, name))

    async def take(self, batch: Sequence[Incoming], note: Note = note_nothing) -> Taken:
        """Add the messages, in order."""
        problems: list[str] = []
        ready: list[_Ready] = []
        try:
            await asyncio.to_thread(self._prepare, batch, ready, problems)
            mended = await self._mend(ready) if self._mends else 0
            wanted = await self._new(ready) if self._skips_present else ready
            taken = Taken(
                mended=mended,
                added=len(wanted),
                added_bytes=sum(one.prepared.body.size for one in wanted),
                present=len(ready) - len(wanted),
                problems=tuple(problems),
            )
            await self._account.write(lambda tx: self._add(tx, wanted, taken, note))
        finally:
            for one in batch:
                one.body.discard()
        return taken

    def _prepare(self, batch: Sequence[Incoming], ready: list[_Ready], problems: list[str]) -> None:
        for one in batch:
            try:
                mailbox = canonical(one.mailbox)
            except BadMailboxName as error:
                problems.append(f"{one.origin}: {error}")
                continue
            ready.append(_Ready(self._within_bounds(one, mailbox, problems), mailbox, prepare(one.body)))

    def _within_bounds(self, one: Incoming, mailbox: str, problems: list[str]) -> Incoming:
        """The message with no more keywords than there may be."""
        if not one.flags.keywords:
            return one
        known = self._keywords.setdefault(mailbox, set())
        kept = [word for word in one.flags.keywords if word in known or len(known) < MAX_DISTINCT][:MAX_KEYWORDS]
        known.update(kept)
        if len(kept) == len(one.flags.keywords):
            return one
        problems.append(f"{mailbox}: some keywords are left out, there are too many")
        flags = type(one.flags)(one.flags.bits, tuple(kept))
        return Incoming(mailbox=mailbox, body=one.body, flags=flags, internaldate=one.internaldate, origin=one.origin)

    async def _mend(self, ready: list[_Ready]) -> int:
        msg_dir, account = self._account.directory / "msg", self._account
        damaged = await account.read(
            lambda db: [found for one in ready for found in mending.find_damaged(db, msg_dir, one.prepared)]
        )

        def mend(tx: Tx) -> None:
            for one in damaged:
                mending.mend(tx, one)

        if damaged:
            await account.write(mend)
        return len({one.body_id for one in damaged})

    async def _new(self, ready: list[_Ready]) -> list[_Ready]:
        """Those that were not there when the import began."""
        if self._copies is None:
            self._copies = Copies(self._account.directory / "msg", await self.begin())
        copies = self._copies

        def look(db: sqlite3.Connection) -> list[_Ready]:
            return [one for one in ready if not copies.has(db, one.mailbox, one.prepared)]

        return await self._account.read(look)

    def _add(self, tx: Tx, ready: list[_Ready], taken: Taken, note: Note) -> None:
        for one in ready:
            incoming = one.incoming
            date = incoming.internaldate if incoming.internaldate is not None else one.prepared.sent
            messages.deliver(
                tx,
                messages.Incoming(
                    mailbox=one.mailbox,
                    prepared=one.prepared,
                    flags=incoming.flags.bits,
                    keywords=incoming.flags.keywords,
                    internaldate=date,
                ),
            )
        note(tx, taken)
