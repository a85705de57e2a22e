"""Change the flags and keywords of messages (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

A message whose flags stay as they are gets no new modseq; when none changes, none is used at all. `unchanged_since`
keeps messages out that somebody else changed after that modseq; their uids are returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from app.store.account import junktraining, messages
from app.store.account.changes import Entry, FlagsChanged
from app.store.account.handle import Tx
from app.wire.imap.flags import DELETED, JUNK, NOTJUNK, SEEN

_JUDGED = JUNK | NOTJUNK


class Mode(Enum):
    """What STORE does with the given flags."""

    SET = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagChange:
    """Flags to set, add or remove; `keywords` sorted."""

    mode: Mode
    flags: int
    keywords: tuple[str, ...] = ()
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsStored:
    """Every message that was asked for, with its flags afterwards, and those that were modified by others before."""

    entries: tuple[Entry, ...]
    modified: tuple[int, ...]
    modseq: int  # of this change; 0 when nothing changed


def store(tx: Tx, mailbox_id: int, uids: Sequence[int], change: FlagChange) -> FlagsStored:
    """Change the flags of the messages with these uids that are (still) there."""
    messages.choose(tx.db, uids)
    rows = tx.db.execute(
        "SELECT uid, flags, keywords, modseq, size_bytes FROM message"
        " WHERE mailbox_id = ? AND uid IN (SELECT uid FROM temp.chosen) ORDER BY uid",
        (mailbox_id,),
    ).fetchall()
    limit = change.unchanged_since
    modified = () if limit is None else tuple(row[0] for row in rows if row[3] > limit)
    if modified:
        rows = [row for row in rows if row[3] <= limit]
    entries: list[Entry] = []
    changed: list[Entry] = []
    judged: list[int] = []  # uids the junk filter has to learn
    unseen = deleted = deleted_bytes = 0
    apply = _Rule(change)
    for uid, flags, keywords, modseq, size in rows:
        new_flags, new_keywords = apply(flags, keywords)
        if new_flags == flags and new_keywords == keywords:
            entries.append(Entry(uid, flags, keywords, modseq))
            continue
        entry = Entry(uid, new_flags, new_keywords, tx.modseq())
        entries.append(entry)
        changed.append(entry)
        if (flags ^ new_flags) & _JUDGED:
            judged.append(uid)
        unseen += (not new_flags & SEEN) - (not flags & SEEN)
        delta = bool(new_flags & DELETED) - bool(flags & DELETED)
        deleted += delta
        deleted_bytes += delta * size
    if judged:
        messages.choose(tx.db, judged)
        junktraining.note_chosen(tx.db, mailbox_id)
    if changed:
        _write(tx, mailbox_id, changed)
        tx.db.execute(
            "UPDATE mailbox SET modseq = ?, unseen = unseen + ?, deleted = deleted + ?,"
            " deleted_bytes = deleted_bytes + ? WHERE id = ?",
            (tx.modseq(), unseen, deleted, deleted_bytes, mailbox_id),
        )
        if change.keywords and change.mode is not Mode.REMOVE:
            messages.note_keywords(tx, mailbox_id, change.keywords)
        tx.changes.append(FlagsChanged(mailbox_id, tx.modseq(), tuple(changed)))
    return FlagsStored(entries=tuple(entries), modified=modified, modseq=tx.modseq() if changed else 0)


class _Rule:
    """Old flags and keywords to new ones; keyword strings are cached, as most messages share a few."""

    __slots__ = ("_cache", "change")

    def __init__(self, change: FlagChange) -> None:
        self.change = change
        self._cache: dict[str, str] = {}

    def __call__(self, flags: int, keywords: str) -> tuple[int, str]:
        mode = self.change.mode
        if mode is Mode.SET:
            flags = self.change.flags
        elif mode is Mode.ADD:
            flags |= self.change.flags
        else:
            flags &= ~self.change.flags
        if (new := self._cache.get(keywords)) is None:
            new = self._cache[keywords] = self._keywords(keywords)
        return flags, new

    def _keywords(self, keywords: str) -> str:
        given = set(self.change.keywords)
        if self.change.mode is Mode.SET:
            return " ".join(sorted(given))
        old = set(keywords.split())
        return " ".join(sorted(old | given if self.change.mode is Mode.ADD else old - given))


def _write(tx: Tx, mailbox_id: int, changed: list[Entry]) -> None:
    """One UPDATE for each new combination of flags: usually one for all."""
    by_value: dict[tuple[int, str], list[int]] = {}
    for entry in changed:
        by_value.setdefault((entry.flags, entry.keywords), []).append(entry.uid)
    for (flags, keywords), uids in by_value.items():
        if len(uids) == 1:
            tx.db.execute(
                "UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE mailbox_id = ? AND uid = ?",
                (flags, keywords, tx.modseq(), mailbox_id, uids[0]),
            )
            continue
        messages.choose(tx.db, uids)
        tx.db.execute(
            "UPDATE message SET flags = ?, keywords = ?, modseq = ?"
            " WHERE mailbox_id = ? AND uid IN (SELECT uid FROM temp.chosen)",
            (flags, keywords, tx.modseq(), mailbox_id),
        )
