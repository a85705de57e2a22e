"""Per mailbox, its uids, flags and modseqs as packed arrays, shared by all sessions of the process.

An index is loaded once, from one consistent state of the database, and then kept current by the changes of each
commit. It is a cache: `modseq` tells up to where it is true, and a test compares it with the database. What a load has
seen is not applied again when it is told only afterwards. 10,000 messages take 160 KB. Only the event loop's thread
touches an index.
"""

from __future__ import annotations

import asyncio
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.store.account.changes import (
    AnnotationsChanged,
    Change,
    Entry,
    FlagsChanged,
    MailboxDeleted,
    MailboxRenamed,
    MessageChange,
    MessagesAdded,
    MessagesExpunged,
)
from app.wire.imap.flags import SEEN

if TYPE_CHECKING:
    from app.store.account.handle import Account


class MailboxIndex:
    """The messages of one mailbox as four parallel columns, sorted by uid."""

    __slots__ = ("flags", "keywords", "modseq", "modseqs", "read_at", "uids")

    def __init__(self, modseq: int, rows: list[tuple[int, int, str, int]]) -> None:
        """`rows` are uid, flags, keywords, modseq, sorted; `modseq` is the account's when they were read."""
        self.modseq = self.read_at = modseq
        self.uids = array("I", [row[0] for row in rows])
        self.flags = array("I", [row[1] for row in rows])
        self.modseqs = array("Q", [row[3] for row in rows])
        self.keywords: dict[int, str] = {row[0]: row[2] for row in rows if row[2]}

    def __len__(self) -> int:
        return len(self.uids)

    def position(self, uid: int) -> int:
        """Where the message with that uid is, or -1."""
        place = bisect_left(self.uids, uid)
        return place if place < len(self.uids) and self.uids[place] == uid else -1

    def entry(self, uid: int) -> Entry | None:
        """The message with that uid."""
        place = self.position(uid)
        if place < 0:
            return None
        return Entry(uid, self.flags[place], self.keywords.get(uid, ""), self.modseqs[place])

    def part(self, uids: Sequence[int]) -> MailboxIndex:
        """An index of its own of some messages; `uids` are sorted, and absent ones are left out."""
        part = MailboxIndex(self.modseq, [])
        for start, end in spans_of(self.uids, uids):
            part.uids.extend(self.uids[start:end])
            part.flags.extend(self.flags[start:end])
            part.modseqs.extend(self.modseqs[start:end])
        if self.keywords:
            part.keywords = {uid: self.keywords[uid] for uid in part.uids if uid in self.keywords}
        return part

    def first_unseen(self) -> int | None:
        """The position of the first message without \\Seen."""
        return next((place for place, flags in enumerate(self.flags) if not flags & SEEN), None)

    def apply(self, change: MessageChange) -> None:
        """Take over a change that is newer than the index."""
        self.modseq = change.modseq
        if isinstance(change, MessagesAdded):
            self._add(change.entries)
        elif isinstance(change, FlagsChanged):
            self._change_flags(change.entries)
        else:
            self._remove(change)

    def _add(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            self.uids.append(entry.uid)
            self.flags.append(entry.flags)
            self.modseqs.append(entry.modseq)
            if entry.keywords:
                self.keywords[entry.uid] = entry.keywords

    def _change_flags(self, entries: tuple[Entry, ...]) -> None:
        uids, place, last = self.uids, -1, len(self.uids) - 1
        for entry in entries:
            if place < last and uids[place + 1] == entry.uid:  # neighbours are often changed together
                place += 1
            elif (place := self.position(entry.uid)) < 0:
                continue
            self.flags[place] = entry.flags
            self.modseqs[place] = entry.modseq
            if entry.keywords:
                self.keywords[entry.uid] = entry.keywords
            else:
                self.keywords.pop(entry.uid, None)

    def _remove(self, change: MessagesExpunged) -> None:
        for uid in change.uids:
            self.keywords.pop(uid, None)
        spans = spans_of(self.uids, change.uids)
        self.uids = without(self.uids, spans)
        self.flags = without(self.flags, spans)
        self.modseqs = without(self.modseqs, spans)


def spans_of(column: array[int], uids: Sequence[int]) -> list[tuple[int, int]]:
    """Where the sorted `uids` are in a sorted column: ranges of positions, sorted; absent ones are left out."""
    spans: list[tuple[int, int]] = []
    start = end = 0  # of the range that grows
    count = len(column)
    for uid in uids:
        if end < count and column[end] == uid:
            end += 1
            continue
        if start < end:
            spans.append((start, end))
        start = end = bisect_left(column, uid, end)
        if end < count and column[end] == uid:
            end += 1
    if start < end:
        spans.append((start, end))
    return spans


def without(column: array[int], spans: list[tuple[int, int]]) -> array[int]:
    """The column without these ranges: in place for one, as moving the rest is quick, else copied once."""
    if len(spans) == 1:
        del column[spans[0][0] : spans[0][1]]
        return column
    kept = array(column.typecode)
    done = 0
    for start, end in spans:
        kept.extend(column[done:start])
        done = end
    kept.extend(column[done:])
    return kept


class Indexes:
    """The indexes of an account that are in memory."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._loaded: dict[int, MailboxIndex] = {}
        self._loading: dict[int, asyncio.Task[MailboxIndex]] = {}
        self._missed: dict[int, list[MessageChange]] = {}

    def peek(self, mailbox_id: int) -> MailboxIndex | None:
        """The index of a mailbox if it is in memory."""
        return self._loaded.get(mailbox_id)

    async def load(self, mailbox_id: int) -> MailboxIndex:
        """The index of a mailbox; several callers share one load."""
        if (index := self._loaded.get(mailbox_id)) is not None:
            return index
        task = self._loading.get(mailbox_id)
        if task is None:
            self._missed[mailbox_id] = []
            task = asyncio.get_running_loop().create_task(self._load(mailbox_id))
            self._loading[mailbox_id] = task
        return await asyncio.shield(task)

    def forget(self, mailbox_id: int) -> None:
        """Drop an index that nobody uses."""
        self._loaded.pop(mailbox_id, None)

    def changed(self, changes: list[Change]) -> None:
        """Take over the changes of a commit."""
        for change in changes:
            if isinstance(change, MailboxDeleted):
                self._loaded.pop(change.mailbox_id, None)
            elif isinstance(change, MailboxRenamed | AnnotationsChanged) and change.mailbox_id in self._loaded:
                self._loaded[change.mailbox_id].modseq = change.modseq  # that of the mailbox grew
            if not isinstance(change, MessagesAdded | FlagsChanged | MessagesExpunged):
                continue
            if (index := self._loaded.get(change.mailbox_id)) is not None:
                if change.modseq > index.read_at:
                    index.apply(change)
            elif (missed := self._missed.get(change.mailbox_id)) is not None:
                missed.append(change)

    async def _load(self, mailbox_id: int) -> MailboxIndex:
        try:
            index = await self._account.read(lambda db: read_index(db, mailbox_id))
            for change in self._missed.get(mailbox_id, ()):
                if change.modseq > index.read_at:
                    index.apply(change)
            self._loaded[mailbox_id] = index
            return index
        finally:
            self._loading.pop(mailbox_id, None)
            self._missed.pop(mailbox_id, None)


def read_index(db: sqlite3.Connection, mailbox_id: int) -> MailboxIndex:
    """The index as the database has it now."""
    (modseq,) = db.execute("SELECT modseq FROM account_state").fetchone()
    rows = db.execute(
        "SELECT uid, flags, keywords, modseq FROM message WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,)
    ).fetchall()
    return MailboxIndex(modseq, rows)
