"""Mailboxes of an account: make, rename, delete, find, subscribe.

Names are canonical already (`app.wire.imap.mailboxname`). Every parent of a mailbox exists; a new mailbox is
subscribed. Each has a uidvalidity that no other mailbox of the account has or had. A renamed mailbox keeps its
uidvalidity; the Inbox is never renamed: its messages move to a new mailbox instead (RFC 9051 §6.3.6).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from app.errors import BadMailboxName, MailboxExists, MailboxHasChildren, NoSuchMailbox
from app.store.account import expunge
from app.store.account.annotations import copy_annotations, drop_annotations
from app.store.account.changes import MailboxCreated, MailboxDeleted, MailboxRenamed, SubscriptionChanged
from app.store.account.grants import drop_rights
from app.store.account.handle import Tx
from app.store.account.records import MAILBOX_COLUMNS, Mailbox, mailbox_of
from app.store.account.urlkeys import drop_key
from app.wire.imap.mailboxname import INBOX, SEPARATOR, canonical


def find(db: sqlite3.Connection, name: str) -> Mailbox | None:
    """The mailbox of that name."""
    row = db.execute(f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE name = ?", (name,)).fetchone()
    return mailbox_of(row) if row else None


def get(db: sqlite3.Connection, name: str) -> Mailbox:
    """The mailbox of that name; raises NoSuchMailbox."""
    if mailbox := find(db, name):
        return mailbox
    raise NoSuchMailbox(f"no mailbox {name!r}")


def by_id(db: sqlite3.Connection, mailbox_id: int) -> Mailbox:
    """The mailbox with that number; raises NoSuchMailbox."""
    row = db.execute(f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id = ?", (mailbox_id,)).fetchone()
    if row is None:
        raise NoSuchMailbox("the mailbox is gone")
    return mailbox_of(row)


def all_mailboxes(db: sqlite3.Connection) -> list[Mailbox]:
    """Every mailbox, by name with the Inbox first."""
    rows = db.execute(f"SELECT {MAILBOX_COLUMNS} FROM mailbox ORDER BY name <> '{INBOX}', name")
    return [mailbox_of(row) for row in rows]


def subscriptions(db: sqlite3.Connection) -> set[str]:
    """The subscribed names; some may have no mailbox."""
    return {name for (name,) in db.execute("SELECT name FROM subscription")}


def parents(name: str) -> list[str]:
    """The names above `name`, outermost first."""
    parts = name.split(SEPARATOR)
    return [SEPARATOR.join(parts[:count]) for count in range(1, len(parts))]


def ensure(tx: Tx, name: str) -> Mailbox:
    """The mailbox of that name, made with its parents when absent."""
    return find(tx.db, name) or create(tx, name)[-1]


def create(tx: Tx, name: str, special_use: str | None = None) -> list[Mailbox]:
    """Make a mailbox and its missing parents; returns all that were made, the wanted one last."""
    if find(tx.db, name):
        raise MailboxExists(f"there is a mailbox {name!r} already")
    made = [_insert(tx, parent, None) for parent in parents(name) if find(tx.db, parent) is None]
    if special_use is not None:
        tx.db.execute("UPDATE mailbox SET special_use = NULL WHERE special_use = ?", (special_use,))
    return [*made, _insert(tx, name, special_use)]


def for_use(tx: Tx, special_use: str, name: str) -> Mailbox:
    """The mailbox with that special use; without one, the mailbox of that name gets it, made when absent."""
    row = tx.db.execute(f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE special_use = ?", (special_use,)).fetchone()
    if row is not None:
        return mailbox_of(row)
    ensure(tx, name)
    set_special_use(tx, name, special_use)
    return get(tx.db, name)


def create_initial(tx: Tx, special_uses: Iterable[tuple[str, str | None]]) -> None:
    """Make the mailboxes of a new account: the Inbox and the named ones with their special use."""
    wanted = [(INBOX, None), *((name, use) for name, use in special_uses if name != INBOX)]
    for name, use in wanted:
        if find(tx.db, name) is None:
            create(tx, name, use)


def _insert(tx: Tx, name: str, special_use: str | None) -> Mailbox:
    (uidvalidity,) = tx.db.execute(
        "UPDATE account_state SET next_uidvalidity = next_uidvalidity + 1 RETURNING next_uidvalidity - 1"
    ).fetchone()
    modseq = tx.modseq()
    row = tx.db.execute(
        "INSERT INTO mailbox (name, special_use, uidvalidity, uidnext, createseq, modseq, keywords,"
        " total, unseen, deleted, size_bytes, deleted_bytes) VALUES (?, ?, ?, 1, ?, ?, '', 0, 0, 0, 0, 0)"
        f" RETURNING {MAILBOX_COLUMNS}",
        (name, special_use, uidvalidity, modseq, modseq),
    ).fetchone()
    mailbox = mailbox_of(row)
    tx.changes.append(MailboxCreated(mailbox.id, modseq, name))
    subscribe(tx, name)
    return mailbox


def has_children(db: sqlite3.Connection, name: str) -> bool:
    """Whether there is a mailbox below `name`."""
    return bool(_children(db, name))


def _children(db: sqlite3.Connection, name: str) -> list[Mailbox]:
    # A range on the unique index: everything that starts with "name/". "0" is the character after "/".
    rows = db.execute(
        f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE name > ? AND name < ? ORDER BY name", (name + "/", name + "0")
    )
    return [mailbox_of(row) for row in rows]


def delete(tx: Tx, name: str) -> None:
    """Delete a mailbox and expunge what is in it. Not the Inbox, and not one with children."""
    mailbox = get(tx.db, name)
    if name == INBOX:
        raise BadMailboxName("the Inbox cannot be deleted")
    if has_children(tx.db, name):
        raise MailboxHasChildren("the mailbox has mailboxes below it; delete those first")
    expunge.expunge_all(tx, mailbox)
    modseq = tx.modseq()
    tx.db.execute(
        "INSERT INTO mailbox_tombstone (id, name, uidvalidity, modseq) VALUES (?, ?, ?, ?)",
        (mailbox.id, name, mailbox.uidvalidity, modseq),
    )
    drop_annotations(tx, mailbox.id)
    drop_key(tx, mailbox.id)
    drop_rights(tx, mailbox.id)
    tx.db.execute("DELETE FROM mailbox WHERE id = ?", (mailbox.id,))
    tx.changes.append(MailboxDeleted(mailbox.id, modseq, name))


def rename(tx: Tx, old: str, new: str) -> list[Mailbox]:
    """Give a mailbox and those below it a new name, making missing parents; returns the mailboxes that were made.

    Renaming the Inbox makes `new` and moves the messages there; what is below the Inbox stays.
    """
    mailbox = get(tx.db, old)
    if find(tx.db, new):
        raise MailboxExists(f"there is a mailbox {new!r} already")
    if new.startswith(old + SEPARATOR) and old != INBOX:
        raise BadMailboxName("a mailbox cannot be moved below itself")
    if old == INBOX:
        return _rename_inbox(tx, mailbox, new)
    made = [_insert(tx, parent, None) for parent in parents(new) if find(tx.db, parent) is None]
    for moved in (mailbox, *_children(tx.db, old)):
        _set_name(tx, moved, canonical(new + moved.name[len(old) :]))  # which may be too long or too deep now
    return made


def _set_name(tx: Tx, mailbox: Mailbox, name: str) -> None:
    modseq = tx.modseq()
    tx.db.execute("UPDATE mailbox SET name = ?, modseq = ? WHERE id = ?", (name, modseq, mailbox.id))
    if unsubscribe(tx, mailbox.name):
        subscribe(tx, name)
    tx.changes.append(MailboxRenamed(mailbox.id, modseq, mailbox.name, name))


def _rename_inbox(tx: Tx, inbox: Mailbox, new: str) -> list[Mailbox]:
    from app.store.account import messages

    made = create(tx, new)
    target = made[-1]
    copy_annotations(tx, inbox.id, target.id)  # RFC 5464 §4.1
    if inbox.total:
        messages.move(tx, inbox.id, messages.all_uids(tx.db, inbox.id), target.id)
    return made


def set_special_use(tx: Tx, name: str, special_use: str | None) -> None:
    """Mark a mailbox; at most one mailbox has a given use."""
    mailbox = get(tx.db, name)
    if special_use is not None:
        tx.db.execute("UPDATE mailbox SET special_use = NULL WHERE special_use = ?", (special_use,))
    tx.db.execute("UPDATE mailbox SET special_use = ? WHERE id = ?", (special_use, mailbox.id))


def subscribe(tx: Tx, name: str) -> None:
    """Subscribe to a name; nothing happens when it is already."""
    if tx.db.execute("INSERT OR IGNORE INTO subscription (name) VALUES (?)", (name,)).rowcount:
        tx.changes.append(SubscriptionChanged(tx.modseq(), name, True))


def unsubscribe(tx: Tx, name: str) -> bool:
    """End a subscription; returns whether there was one."""
    if not tx.db.execute("DELETE FROM subscription WHERE name = ?", (name,)).rowcount:
        return False
    tx.changes.append(SubscriptionChanged(tx.modseq(), name, False))
    return True
