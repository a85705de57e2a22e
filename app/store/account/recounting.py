"""Repairs of what is counted: sizes from the bytes, counts of mailboxes and of the account from the messages.

`fix_sizes` goes first where both are wrong. A body in a file is not looked at: its size stands in its row as it was
when the body was stored, and a file of another length is damage, which no number repairs (`check` tells it).
"""

from __future__ import annotations

from typing import Final

from app.store.account.handle import Tx
from app.store.account.messages import note_keywords
from app.wire.imap.flags import DELETED, SEEN

_LABELS: Final = ("total", "unseen", "deleted", "size_bytes", "deleted_bytes")
# Of each mailbox what it says, then what it is.
COUNTS: Final = f"""
SELECT m.id, m.name, m.total, m.unseen, m.deleted, m.size_bytes, m.deleted_bytes,
    count(x.uid), coalesce(sum(x.flags & {SEEN} = 0), 0), coalesce(sum(x.flags & {DELETED} <> 0), 0),
    coalesce(sum(x.size_bytes), 0), coalesce(sum(x.size_bytes * (x.flags & {DELETED} <> 0)), 0)
FROM mailbox m LEFT JOIN message x ON x.mailbox_id = m.id GROUP BY m.id
"""
_SIZES: Final = (
    (
        "UPDATE body SET size_bytes = length(data) WHERE data IS NOT NULL AND size_bytes <> length(data)",
        "bodies",
    ),
    (
        "UPDATE content SET size_bytes = length(prefix) + b.size_bytes FROM body b"
        " WHERE b.id = content.body_id AND content.size_bytes <> length(prefix) + b.size_bytes",
        "contents",
    ),
    (
        "UPDATE message SET size_bytes = c.size_bytes FROM content c"
        " WHERE c.id = message.content_id AND message.size_bytes <> c.size_bytes",
        "messages",
    ),
)


def recount(tx: Tx) -> list[str]:
    """Set the counts of all mailboxes, their keywords, and the account's size; what was wrong, in sentences."""
    told: list[str] = []
    size = 0
    for mailbox_id, name, *numbers in tx.db.execute(COUNTS).fetchall():
        stored, counted = numbers[:5], numbers[5:]
        size += counted[3]
        wrong = [one for one in zip(_LABELS, stored, counted, strict=True) if one[1] != one[2]]
        told += [f"{name}: {label} was {old}, is {new}" for label, old, new in wrong]
        if wrong:
            assignments = ", ".join(f"{label} = ?" for label, _, _ in wrong)
            values = (*(new for _, _, new in wrong), mailbox_id)
            tx.db.execute(f"UPDATE mailbox SET {assignments} WHERE id = ?", values)
    told += _list_keywords(tx)
    (stored_size,) = tx.db.execute("SELECT size_bytes FROM account_state").fetchone()
    if stored_size != size:
        told.append(f"account: size_bytes was {stored_size}, is {size}")
        tx.db.execute("UPDATE account_state SET size_bytes = ?", (size,))
    return told


def _list_keywords(tx: Tx) -> list[str]:
    """A mailbox lists every keyword that its messages have; those that none has any more stay, as clients know them."""
    told: list[str] = []
    used: dict[int, set[str]] = {}
    for mailbox_id, keywords in tx.db.execute("SELECT DISTINCT mailbox_id, keywords FROM message WHERE keywords <> ''"):
        used.setdefault(mailbox_id, set()).update(keywords.split())
    for mailbox_id, name, listed in tx.db.execute("SELECT id, name, keywords FROM mailbox").fetchall():
        if missing := sorted(used.get(mailbox_id, set()).difference(listed.split())):
            told.append(f"{name}: lists its keywords {' '.join(missing)} now")
            note_keywords(tx, mailbox_id, missing)
    return told


def fix_sizes(tx: Tx) -> list[str]:
    """Set the sizes of contents and messages from the bytes, and count again; what was wrong, in sentences."""
    counts = [(tx.db.execute(statement).rowcount, what) for statement, what in _SIZES]
    return [*(f"account: {count} {what} had a wrong size" for count, what in counts if count), *recount(tx)]
