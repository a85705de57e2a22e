"""Messages of mailboxes: add, copy, move, and find.

Counts of the mailbox, the account's size, junk flags that follow from the mailbox, and the changes for other sessions
are kept by the same functions, so that no caller can forget them. Copy and move work on sets in SQL; a copy shares the
content of its source.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from app.junk.mailboxflags import MARK_JUNK, MARK_NOT_JUNK, JunkFlags, junk_flags
from app.store.account import bodies, expunge, mailboxes, provenance
from app.store.account.changes import Entry, MessagesAdded
from app.store.account.handle import Tx
from app.store.account.objectids import thread_of
from app.store.account.prepare import Prepared
from app.store.account.provenance import Provenance
from app.store.account.records import MESSAGE_COLUMNS, Mailbox, StoredMessage, message_of
from app.wire.imap.flags import DELETED, SEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message to be added; `prefix` are whole header fields that go in front."""

    mailbox: str
    prepared: Prepared
    prefix: bytes = b""
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate: int | None = None  # seconds since 1970; None is now
    provenance: Provenance | None = None  # of what came by SMTP
    has_limit: bool = True  # the quota; not for what would be lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Where a message was put."""

    mailbox_id: int
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The uids of the source and, in the same order, of the target (for COPYUID, RFC 4315)."""

    uidvalidity: int
    source_uids: tuple[int, ...]
    target_uids: tuple[int, ...]


def deliver(tx: Tx, incoming: Incoming) -> Added:
    """Add a message, making the mailbox when it is absent: mail from outside never fails for lack of a mailbox."""
    return _add(tx, mailboxes.ensure(tx, incoming.mailbox), incoming)


def add(tx: Tx, incoming: Incoming) -> Added:
    """Add a message to a mailbox that must exist (NoSuchMailbox), within the quota (OverQuota)."""
    return _add(tx, mailboxes.get(tx.db, incoming.mailbox), incoming)


def _add(tx: Tx, mailbox: Mailbox, incoming: Incoming) -> Added:
    tx.grow(len(incoming.prefix) + incoming.prepared.body.size, checked=incoming.has_limit)
    content_id, size = _put_content(tx, incoming)
    if incoming.provenance is not None:
        provenance.keep(tx, content_id, _destined_id(tx, mailbox, incoming.provenance), incoming.provenance)
    modseq = tx.modseq()
    keywords = " ".join(sorted(incoming.keywords))
    entry = Entry(mailbox.uidnext, _junk_flags(tx, mailbox).on(incoming.flags), keywords, modseq)
    now = tx.now()
    received = now if incoming.internaldate is None else incoming.internaldate
    tx.db.execute(
        f"INSERT INTO message (mailbox_id, {MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (mailbox.id, entry.uid, modseq, modseq, entry.flags, keywords, size, received, now, content_id, mailbox.id),
    )
    unseen, deleted = not entry.flags & SEEN, bool(entry.flags & DELETED)
    tx.db.execute(
        "UPDATE mailbox SET uidnext = ?, modseq = ?, total = total + 1, unseen = unseen + ?, deleted = deleted + ?,"
        " size_bytes = size_bytes + ?, deleted_bytes = deleted_bytes + ? WHERE id = ?",
        (entry.uid + 1, modseq, unseen, deleted, size, size * deleted, mailbox.id),
    )
    if keywords:
        note_keywords(tx, mailbox.id, incoming.keywords)
    tx.changes.append(MessagesAdded(mailbox.id, modseq, (entry,)))
    return Added(mailbox_id=mailbox.id, uidvalidity=mailbox.uidvalidity, uid=entry.uid)


def _destined_id(tx: Tx, mailbox: Mailbox, origin: Provenance) -> int:
    if origin.destined == mailbox.name:
        return mailbox.id
    destined = mailboxes.find(tx.db, origin.destined)
    return destined.id if destined is not None else 0


def _junk_flags(tx: Tx, mailbox: Mailbox) -> JunkFlags:
    return junk_flags(tx.junk_flags, mailbox.name, mailbox.special_use)


def _flags_from(tx: Tx, source_id: int, target: Mailbox) -> JunkFlags:
    """The marks of what comes from another mailbox. Who takes a refused message back says that it was wanted."""
    marks = _junk_flags(tx, target)
    is_rescue = (
        tx.rejects_mailbox
        and tx.rejects_mailbox != target.name
        and mailboxes.by_id(tx.db, source_id).name == tx.rejects_mailbox
        and target.special_use not in ("\\Junk", "\\Trash")
        and marks != MARK_JUNK
    )
    return MARK_NOT_JUNK if is_rescue else marks


def _put_content(tx: Tx, incoming: Incoming) -> tuple[int, int]:
    """The number of the new content and its size in bytes."""
    prepared, prefix = incoming.prepared, incoming.prefix
    size = len(prefix) + prepared.body.size
    cursor = tx.db.execute(
        "INSERT INTO content (body_id, size_bytes, prefix, parts, envelope, body_form, bodystructure, list_fields,"
        " message_id, base_subject, sent, thread_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            bodies.put(tx, prepared.body, prepared.key),
            size,
            prefix,
            prepared.parts,
            prepared.envelope,
            prepared.body_form,
            prepared.bodystructure,
            prepared.list_fields,
            prepared.message_id,
            prepared.base_subject,
            prepared.sent,
            thread_of(tx.db, prepared.message_id, prepared.references),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid, size


def note_keywords(tx: Tx, mailbox_id: int, keywords: Sequence[str]) -> None:
    """Remember keywords as used in the mailbox, for its FLAGS response."""
    (text,) = tx.db.execute("SELECT keywords FROM mailbox WHERE id = ?", (mailbox_id,)).fetchone()
    known = set(text.split())
    if not known.issuperset(keywords):
        joined = " ".join(sorted(known.union(keywords)))
        tx.db.execute("UPDATE mailbox SET keywords = ? WHERE id = ?", (joined, mailbox_id))


def all_uids(db: sqlite3.Connection, mailbox_id: int) -> list[int]:
    """The uids of a mailbox, sorted."""
    return [uid for (uid,) in db.execute("SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,))]


def account_size(db: sqlite3.Connection) -> int:
    """The bytes of all messages of the account, as the quota counts them."""
    return int(db.execute("SELECT size_bytes FROM account_state").fetchone()[0])


def find(db: sqlite3.Connection, mailbox_id: int, uid: int) -> StoredMessage | None:
    """The message with that uid."""
    row = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM message WHERE mailbox_id = ? AND uid = ?", (mailbox_id, uid)
    ).fetchone()
    return message_of(row) if row else None


def choose(db: sqlite3.Connection, uids: Sequence[int]) -> None:
    """Put `uids` into the temporary table `chosen`, sorted, for statements on sets."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (uid INTEGER PRIMARY KEY) STRICT")
    db.execute("DELETE FROM temp.chosen")
    db.executemany("INSERT OR IGNORE INTO temp.chosen (uid) VALUES (?)", ((uid,) for uid in uids))


def copy(tx: Tx, source_id: int, uids: Sequence[int], target_id: int) -> Copied:
    """Copy the messages that are (still) in the source; flags, dates and keywords go with them (RFC 9051 §6.4.7).

    Except for $Junk and $NotJunk, which may follow from the target.
    """
    choose(tx.db, uids)
    copied, size = _copy_chosen(tx, source_id, target_id)
    tx.grow(size)
    return copied


def move(tx: Tx, source_id: int, uids: Sequence[int], target_id: int) -> Copied:
    """Copy and expunge in one (RFC 6851). Moving within one mailbox gives the messages new uids."""
    choose(tx.db, uids)
    copied, size = _copy_chosen(tx, source_id, target_id)
    tx.grow(size, checked=False)  # the expunge takes it away again
    expunge.expunge(tx, mailboxes.by_id(tx.db, source_id), copied.source_uids)
    return copied


def _copy_chosen(tx: Tx, source_id: int, target_id: int) -> tuple[Copied, int]:
    target = mailboxes.by_id(tx.db, target_id)
    rows = tx.db.execute(
        "SELECT uid, flags, keywords, size_bytes FROM message"
        " WHERE mailbox_id = ? AND uid IN (SELECT uid FROM temp.chosen) ORDER BY uid",
        (source_id,),
    ).fetchall()
    source_uids = tuple(row[0] for row in rows)
    target_uids = tuple(range(target.uidnext, target.uidnext + len(rows)))
    copied = Copied(uidvalidity=target.uidvalidity, source_uids=source_uids, target_uids=target_uids)
    if not rows:
        return copied, 0
    modseq = tx.modseq()
    marks = _flags_from(tx, source_id, target)
    tx.db.execute(
        f"INSERT INTO message (mailbox_id, {MESSAGE_COLUMNS})"
        " SELECT ?, ? + row_number() OVER (ORDER BY uid) - 1, ?, ?, flags & ~? | ?, keywords, size_bytes, internaldate,"
        " ?, content_id, origin_id, trained FROM message"
        " WHERE mailbox_id = ? AND uid IN (SELECT uid FROM temp.chosen) ORDER BY uid",
        (target_id, target.uidnext, modseq, modseq, marks.cleared, marks.added, tx.now(), source_id),
    )
    entries = tuple(Entry(uid, marks.on(row[1]), row[2], modseq) for uid, row in zip(target_uids, rows, strict=True))
    size = _count_added(tx, target, entries, [row[3] for row in rows])
    tx.changes.append(MessagesAdded(target_id, modseq, entries))
    return copied, size


def _count_added(tx: Tx, mailbox: Mailbox, entries: tuple[Entry, ...], sizes: list[int]) -> int:
    """Update the counts of a mailbox that got these messages at its end; returns their size in bytes."""
    total = sum(sizes)
    unseen = sum(not entry.flags & SEEN for entry in entries)
    deleted_sizes = [size for entry, size in zip(entries, sizes, strict=True) if entry.flags & DELETED]
    tx.db.execute(
        "UPDATE mailbox SET uidnext = ?, modseq = ?, total = total + ?, unseen = unseen + ?, deleted = deleted + ?,"
        " size_bytes = size_bytes + ?, deleted_bytes = deleted_bytes + ? WHERE id = ?",
        (
            entries[-1].uid + 1,
            entries[-1].modseq,
            len(entries),
            unseen,
            len(deleted_sizes),
            total,
            sum(deleted_sizes),
            mailbox.id,
        ),
    )
    keywords = {word for entry in entries if entry.keywords for word in entry.keywords.split()}
    if keywords:
        note_keywords(tx, mailbox.id, sorted(keywords))
    return total
