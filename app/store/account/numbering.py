"""Repairs of the numbers that clients trust: uids, uidvalidity, modseqs (RFC 9051 §2.3.1.1, RFC 7162 §3.1).

`renumber` has all clients forget what they know of a mailbox. The mailbox is replaced by one of its name with a number
and a uidvalidity of its own: whatever a session is doing with the old one fails as if the mailbox had been deleted,
instead of reaching another message under an old uid, and sessions that have it selected are told BYE. Subscriptions,
rights, annotations and special use go along; URLs that were made for others (URLAUTH) end.

`fix_numbers` raises what has fallen behind, which no client notices. Only where two mailboxes have one uidvalidity does
the later one get another.
"""

from __future__ import annotations

from typing import Final

from app.store.account import mailboxes
from app.store.account.changes import MailboxCreated, MailboxDeleted
from app.store.account.handle import Tx
from app.store.account.records import MAILBOX_COLUMNS, Mailbox, mailbox_of
from app.store.account.urlkeys import drop_key

_UNNAMED: Final = ""  # of the old mailbox while the new one takes its name; no mailbox has it otherwise
_REFERRING: Final = (
    "UPDATE message SET origin_id = ?1 WHERE origin_id = ?2",
    "UPDATE provenance SET destined_id = ?1 WHERE destined_id = ?2",
    "UPDATE annotation SET mailbox_id = ?1 WHERE mailbox_id = ?2",
    "UPDATE access SET mailbox_id = ?1 WHERE mailbox_id = ?2",
)
_KEEP_UIDS: Final = "UPDATE message SET mailbox_id = ?1 WHERE mailbox_id = ?2"
_NEW_UIDS: Final = """UPDATE message SET mailbox_id = ?1, uid = n.new
    FROM (SELECT uid AS old, row_number() OVER (ORDER BY uid) AS new FROM message WHERE mailbox_id = ?2) n
    WHERE mailbox_id = ?2 AND uid = n.old"""

_HIGHEST_MODSEQ: Final = """SELECT max(modseq) FROM (SELECT max(modseq) AS modseq FROM message
    UNION ALL SELECT max(modseq) FROM tombstone UNION ALL SELECT max(modseq) FROM mailbox
    UNION ALL SELECT max(modseq) FROM mailbox_tombstone UNION ALL SELECT max(modseq) FROM annotation)"""
_HIGHEST_OF_MAILBOX: Final = """SELECT m.id, m.name, m.uidnext, m.modseq, max(
        coalesce((SELECT max(uid) FROM message WHERE mailbox_id = m.id), 0),
        coalesce((SELECT max(uid) FROM tombstone WHERE mailbox_id = m.id), 0)), max(
        coalesce((SELECT max(modseq) FROM message WHERE mailbox_id = m.id), 0),
        coalesce((SELECT max(modseq) FROM tombstone WHERE mailbox_id = m.id), 0), m.forgotten_modseq)
    FROM mailbox m ORDER BY m.id"""
_TWICE: Final = """SELECT name FROM mailbox m WHERE uidvalidity IN (SELECT uidvalidity FROM mailbox_tombstone)
    OR EXISTS (SELECT 1 FROM mailbox WHERE uidvalidity = m.uidvalidity AND id < m.id)"""


def renumber(tx: Tx, mailbox: Mailbox, *, keeps_uids: bool) -> Mailbox:
    """Give a mailbox a new uidvalidity and, unless they are kept, uids from 1 on in the present order."""
    modseq = tx.modseq()
    tx.db.execute("UPDATE mailbox SET name = ? WHERE id = ?", (_UNNAMED, mailbox.id))
    new = _successor(tx, mailbox, modseq, mailbox.uidnext if keeps_uids else mailbox.total + 1)
    tx.db.execute(
        "INSERT OR REPLACE INTO tombstone (mailbox_id, uid, modseq, content_id)"
        " SELECT mailbox_id, uid, ?, content_id FROM message WHERE mailbox_id = ?",
        (modseq, mailbox.id),  # a FETCH under way may go on, and nothing else
    )
    for statement in (_KEEP_UIDS if keeps_uids else _NEW_UIDS, *_REFERRING):
        tx.db.execute(statement, (new.id, mailbox.id))
    drop_key(tx, mailbox.id)
    tx.db.execute("DELETE FROM mailbox WHERE id = ?", (mailbox.id,))
    tx.db.execute(
        "INSERT INTO mailbox_tombstone (id, name, uidvalidity, modseq)"
        " SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM mailbox WHERE uidvalidity = ?3)"
        " AND NOT EXISTS (SELECT 1 FROM mailbox_tombstone WHERE uidvalidity = ?3)",
        (mailbox.id, mailbox.name, mailbox.uidvalidity, modseq),
    )
    tx.changes += [MailboxDeleted(mailbox.id, modseq, mailbox.name), MailboxCreated(new.id, modseq, mailbox.name)]
    return new


def _successor(tx: Tx, mailbox: Mailbox, modseq: int, uidnext: int) -> Mailbox:
    (uidvalidity,) = tx.db.execute(
        "UPDATE account_state SET next_uidvalidity = next_uidvalidity + 1 RETURNING next_uidvalidity - 1"
    ).fetchone()
    row = tx.db.execute(
        "INSERT INTO mailbox (name, special_use, uidvalidity, uidnext, createseq, modseq, keywords,"
        " total, unseen, deleted, size_bytes, deleted_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        f" RETURNING {MAILBOX_COLUMNS}",
        (
            mailbox.name,
            mailbox.special_use,
            uidvalidity,
            uidnext,
            modseq,
            modseq,
            mailbox.keywords,
            mailbox.total,
            mailbox.unseen,
            mailbox.deleted,
            mailbox.size_bytes,
            mailbox.deleted_bytes,
        ),
    ).fetchone()
    return mailbox_of(row)


def begin_anew(tx: Tx) -> None:
    """Have nobody take what is here for what the account had later, for an account that comes from a backup.

    Uidvalidities given out since were below half the seconds since 1970, see `Account`; object ids had another epoch.
    """
    tx.db.execute(
        "UPDATE account_state SET next_uidvalidity = max(next_uidvalidity, ?), epoch = ?", (tx.now() // 2, tx.now())
    )
    for mailbox in mailboxes.all_mailboxes(tx.db):
        renumber(tx, mailbox, keeps_uids=True)


def fix_numbers(tx: Tx) -> list[str]:
    """Raise modseqs, uidnexts and the account's next uidvalidity where they are too low; says what was done."""
    told = _fix_account(tx)
    for mailbox_id, name, uidnext, modseq, highest_uid, highest_modseq in tx.db.execute(_HIGHEST_OF_MAILBOX).fetchall():
        if uidnext <= highest_uid:
            told.append(f"{name}: uidnext was {uidnext}, is {highest_uid + 1}")
            tx.db.execute("UPDATE mailbox SET uidnext = ? WHERE id = ?", (highest_uid + 1, mailbox_id))
        if modseq < highest_modseq:
            told.append(f"{name}: modseq was {modseq}, is {highest_modseq}")
            tx.db.execute("UPDATE mailbox SET modseq = ? WHERE id = ?", (highest_modseq, mailbox_id))
    for (name,) in tx.db.execute(_TWICE).fetchall():
        old = mailboxes.get(tx.db, name)
        new = renumber(tx, old, keeps_uids=True)
        told.append(f"{name}: uidvalidity {old.uidvalidity} was given out twice, it is {new.uidvalidity} now")
    return told


def _fix_account(tx: Tx) -> list[str]:
    told: list[str] = []
    modseq, uidvalidity = tx.db.execute("SELECT modseq, next_uidvalidity FROM account_state").fetchone()
    highest = tx.db.execute(_HIGHEST_MODSEQ).fetchone()[0] or 0
    if modseq < highest:
        told.append(f"account: modseq was {modseq}, is {highest}")
        tx.db.execute("UPDATE account_state SET modseq = ?", (highest,))
    (given,) = tx.db.execute(
        "SELECT max(uidvalidity) FROM (SELECT uidvalidity FROM mailbox UNION SELECT uidvalidity FROM mailbox_tombstone)"
    ).fetchone()
    if given is not None and uidvalidity <= given:
        told.append(f"account: next uidvalidity was {uidvalidity}, is {given + 1}")
        tx.db.execute("UPDATE account_state SET next_uidvalidity = ?", (given + 1,))
    return told
