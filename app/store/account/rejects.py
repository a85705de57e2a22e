"""The mailbox of refused mail: copies of what was answered with a refusal, so that its holder can see and take it back.

A message is kept once however often its sender tries again. Old ones go, so that the mailbox needs no care; what was
refused as junk and is delivered after all leaves it.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from typing import Final

from app.store.account import expunge, mailboxes, messages
from app.store.account.handle import Tx
from app.store.account.messages import Added, Incoming
from app.wire.imap.flags import SEEN

KEPT_S: Final = 14 * 24 * 3600
MAX_KEPT: Final = 1000


def keep(tx: Tx, incoming: Incoming, *, forever: bool) -> Added | None:
    """Add a refused message to `incoming.mailbox`, unless it is there; old ones go unless they are kept `forever`."""
    mailbox = mailboxes.ensure(tx, incoming.mailbox)
    if not forever:
        _remove_old(tx, mailbox.id)
    if _is_there(tx.db, mailbox.id, incoming):
        return None
    return messages.deliver(tx, dataclasses.replace(incoming, flags=incoming.flags | SEEN))


def forget(tx: Tx, name: str, message_id: str | None) -> None:
    """Remove the refused copies of a message that was delivered after all."""
    mailbox = mailboxes.find(tx.db, name)
    if mailbox is None or message_id is None:
        return
    uids = [uid for (uid,) in tx.db.execute(_WITH_MESSAGE_ID, (message_id, mailbox.id))]
    if uids:
        expunge.expunge(tx, mailbox, uids)


_WITH_MESSAGE_ID: Final = """
SELECT m.uid FROM content c JOIN message m ON m.content_id = c.id
WHERE c.message_id = ? AND m.mailbox_id = ?
"""
_WITH_BODY: Final = """
SELECT m.uid FROM body b JOIN content c ON c.body_id = b.id JOIN message m ON m.content_id = c.id
WHERE b.hash = ? AND m.mailbox_id = ?
"""


def _is_there(db: sqlite3.Connection, mailbox_id: int, incoming: Incoming) -> bool:
    prepared = incoming.prepared
    if prepared.message_id is not None and db.execute(_WITH_MESSAGE_ID, (prepared.message_id, mailbox_id)).fetchone():
        return True
    return db.execute(_WITH_BODY, (prepared.key, mailbox_id)).fetchone() is not None


def _remove_old(tx: Tx, mailbox_id: int) -> None:
    """What is too old, and the oldest of too many; one place is left for what comes now."""
    rows = tx.db.execute(
        "SELECT uid, savedate FROM message WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,)
    ).fetchall()
    too_many = len(rows) - MAX_KEPT + 1
    limit = tx.now() - KEPT_S
    uids = [uid for place, (uid, saved) in enumerate(rows) if place < too_many or saved < limit]
    if uids:
        expunge.expunge(tx, mailboxes.by_id(tx.db, mailbox_id), uids)
