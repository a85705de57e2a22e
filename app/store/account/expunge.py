"""Messages leave a mailbox: expunge at once, erase when nobody can ask for them any more.

`expunge` removes the row, leaves a tombstone that still holds the content, and counts. A session that has not been told
yet may go on fetching through the tombstone. `erase` ends that: it drops the contents of all tombstones up to a modseq
that every open session has passed, and the bodies nobody uses; the files of large bodies go after the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from app.store.account import bodies, provenance
from app.store.account.changes import MessagesExpunged
from app.store.account.handle import Account, Tx
from app.store.account.records import Mailbox
from app.store.filehold import removal
from app.wire.imap.flags import DELETED, SEEN

MAX_TOMBSTONES = 50_000  # of a mailbox; 1 to 2 MB. A client that asks about more is told what is not there.
ERASE_BATCH = 1000  # contents dropped in one transaction, so that deliveries do not wait long


def expunge(tx: Tx, mailbox: Mailbox, uids: Sequence[int]) -> tuple[int, ...]:
    """Remove the messages with these uids that are there; returns their uids, sorted."""
    from app.store.account.messages import choose

    choose(tx.db, uids)
    return _expunge_where(tx, mailbox, "uid IN (SELECT uid FROM temp.chosen)")


def expunge_deleted(tx: Tx, mailbox: Mailbox, uids: Sequence[int] | None = None) -> tuple[int, ...]:
    """Remove the messages with the \\Deleted flag, of all or among `uids` (RFC 9051 §6.4.3, §6.4.9)."""
    condition = f"flags & {DELETED}"
    if uids is not None:
        from app.store.account.messages import choose

        choose(tx.db, uids)
        condition += " AND uid IN (SELECT uid FROM temp.chosen)"
    return _expunge_where(tx, mailbox, condition)


def expunge_all(tx: Tx, mailbox: Mailbox) -> tuple[int, ...]:
    """Empty the mailbox."""
    return _expunge_where(tx, mailbox, "1")


def _expunge_where(tx: Tx, mailbox: Mailbox, condition: str) -> tuple[int, ...]:
    rows = tx.db.execute(
        f"SELECT uid, flags, size_bytes FROM message WHERE mailbox_id = ? AND {condition} ORDER BY uid", (mailbox.id,)
    ).fetchall()
    if not rows:
        return ()
    modseq = tx.modseq()
    tx.db.execute(
        "INSERT INTO tombstone (mailbox_id, uid, modseq, content_id)"
        f" SELECT mailbox_id, uid, ?, content_id FROM message WHERE mailbox_id = ? AND {condition} ORDER BY uid",
        (modseq, mailbox.id),
    )
    tx.db.execute(f"DELETE FROM message WHERE mailbox_id = ? AND {condition}", (mailbox.id,))
    size = sum(row[2] for row in rows)
    tx.db.execute(
        "UPDATE mailbox SET modseq = ?, total = total - ?, unseen = unseen - ?, deleted = deleted - ?,"
        " size_bytes = size_bytes - ?, deleted_bytes = deleted_bytes - ? WHERE id = ?",
        (
            modseq,
            len(rows),
            sum(not flags & SEEN for _, flags, _ in rows),
            sum(bool(flags & DELETED) for _, flags, _ in rows),
            size,
            sum(size for _, flags, size in rows if flags & DELETED),
            mailbox.id,
        ),
    )
    tx.grow(-size)
    uids = tuple(row[0] for row in rows)
    tx.changes.append(MessagesExpunged(mailbox.id, modseq, uids))
    return uids


def removed_since(db: sqlite3.Connection, mailbox_id: int, modseq: int) -> list[int] | None:
    """The uids removed after `modseq`, sorted (for QRESYNC, RFC 7162 §3.2); None when that was forgotten."""
    row = db.execute("SELECT forgotten_modseq FROM mailbox WHERE id = ?", (mailbox_id,)).fetchone()
    if row is not None and modseq < row[0]:
        return None
    rows = db.execute(
        "SELECT uid FROM tombstone WHERE mailbox_id = ? AND modseq > ? ORDER BY uid", (mailbox_id, modseq)
    )
    return [uid for (uid,) in rows]


async def erase(account: Account, before_modseq: int) -> int:
    """Erase what was expunged up to `before_modseq` (inclusive); returns how many contents went."""
    erased = 0
    while True:
        count, keys = await account.write(lambda tx: erase_batch(tx, before_modseq))
        if keys := keys + account.unremoved:
            account.unremoved = await account.write(lambda tx, keys=keys: remove_files(tx, keys))  # type: ignore[misc]
        erased += count
        if count < ERASE_BATCH:
            return erased


def erase_now(account: Account) -> None:
    """Erase all that was expunged, of an account that no session uses yet."""
    (modseq,) = account.read_now(lambda db: db.execute("SELECT modseq FROM account_state").fetchone())
    while account.write_now(lambda tx: erase_batch(tx, modseq))[0] == ERASE_BATCH:
        pass
    account.write_now(lambda tx: _sweep(tx))


def _sweep(tx: Tx) -> None:
    with removal(tx.msg_dir.parent) as is_allowed:
        if is_allowed:
            bodies.sweep(tx.db, tx.msg_dir)


def erase_batch(tx: Tx, before_modseq: int) -> tuple[int, list[bytes]]:
    """Drop up to ERASE_BATCH contents; returns how many, and the keys of bodies whose files can go after the commit."""
    rows = tx.db.execute(
        "SELECT mailbox_id, uid, content_id FROM tombstone WHERE content_id IS NOT NULL AND modseq <= ? LIMIT ?",
        (before_modseq, ERASE_BATCH),
    ).fetchall()
    tx.db.executemany("UPDATE tombstone SET content_id = NULL WHERE mailbox_id = ? AND uid = ?", (r[:2] for r in rows))
    for mailbox_id in {row[0] for row in rows}:
        _forget_old(tx, mailbox_id)
    body_ids: list[int] = []
    for content_id in {row[2] for row in rows}:
        dropped = tx.db.execute(
            "DELETE FROM content WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM message WHERE content_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM tombstone WHERE content_id = ?1) RETURNING body_id",
            (content_id,),
        ).fetchone()
        if dropped is not None:
            body_ids.append(dropped[0])
            provenance.drop(tx.db, content_id)
    return len(rows), bodies.drop_unused(tx.db, body_ids)


def _forget_old(tx: Tx, mailbox_id: int) -> None:
    """Keep the newest MAX_TOMBSTONES of a mailbox, and none of one that is gone, whose number never comes back."""
    if tx.db.execute("SELECT 1 FROM mailbox WHERE id = ?", (mailbox_id,)).fetchone() is None:
        tx.db.execute("DELETE FROM tombstone WHERE mailbox_id = ? AND content_id IS NULL", (mailbox_id,))
        return
    row = tx.db.execute(
        "SELECT modseq FROM tombstone WHERE mailbox_id = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?",
        (mailbox_id, MAX_TOMBSTONES),
    ).fetchone()
    if row is not None:
        tx.db.execute("UPDATE mailbox SET forgotten_modseq = ? WHERE id = ?", (row[0], mailbox_id))
        tx.db.execute(
            "DELETE FROM tombstone WHERE mailbox_id = ? AND modseq <= ? AND content_id IS NULL", (mailbox_id, row[0])
        )


def remove_files(tx: Tx, keys: list[bytes]) -> list[bytes]:
    """Remove the files of bodies that an earlier transaction dropped, but for one that was stored again meanwhile.
    Returns the keys whose files stay for now, as a backup goes through them.

    It runs as a transaction because only the writer thread puts files: nothing can come between the look and the
    unlink.
    """
    with removal(tx.msg_dir.parent) as is_allowed:
        if not is_allowed:
            return keys
        for key in keys:
            if tx.db.execute("SELECT 1 FROM body WHERE hash = ?", (key,)).fetchone() is None:
                bodies.path_of(tx.msg_dir, key).unlink(missing_ok=True)
    return []
