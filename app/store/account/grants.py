"""Rights that others were given on mailboxes of this account (RFC 4314). The owner has all of them, and no row.

A right belongs to the mailbox and not to its name, so it stays when the mailbox is renamed and ends with it. It is
given to an identifier: the name of another account, or `anyone` for every account; who asks has what both give. No
right is ever taken away by a row: there are no negative rights. How many identifiers a mailbox has rights for is
bounded; one more raises TooManyGrants. Whoever removes an account forgets it in the others, so that a new account of
the same name begins with nothing. SQL for the table access is only here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from app.errors import TooManyGrants
from app.store.account.handle import Tx
from app.store.account.records import MAILBOX_COLUMNS, Mailbox, mailbox_of
from app.wire.imap.rights import NONE, Right, letters_of, read_rights

ANYONE: Final = "anyone"
MAX_GRANTS: Final = 1000  # of a mailbox


@dataclass(frozen=True, slots=True)
class SharedMailbox:
    """A mailbox and what one other account may do with it."""

    mailbox: Mailbox
    rights: Right


def rights_given(db: sqlite3.Connection, mailbox_id: int) -> dict[str, Right]:
    """The rights on a mailbox by identifier, sorted; each has one at least."""
    rows = db.execute("SELECT identifier, rights FROM access WHERE mailbox_id = ? ORDER BY identifier", (mailbox_id,))
    return {identifier: read_rights(letters) for identifier, letters in rows}


def rights_of(db: sqlite3.Connection, mailbox_id: int, account_name: str) -> Right:
    """What another account may do with a mailbox."""
    query = "SELECT rights FROM access WHERE mailbox_id = ? AND identifier IN (?, ?)"
    rights = NONE
    for (letters,) in db.execute(query, (mailbox_id, account_name, ANYONE)):
        rights |= read_rights(letters)
    return rights


def shared_with(db: sqlite3.Connection, account_name: str) -> list[SharedMailbox]:
    """The mailboxes on which another account has any right, by name."""
    given: dict[int, Right] = {}
    query = "SELECT mailbox_id, rights FROM access WHERE identifier IN (?, ?)"
    for mailbox_id, letters in db.execute(query, (account_name, ANYONE)):
        given[mailbox_id] = given.get(mailbox_id, NONE) | read_rights(letters)
    rows = db.execute(
        f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id IN"
        " (SELECT mailbox_id FROM access WHERE identifier IN (?, ?)) ORDER BY name",
        (account_name, ANYONE),
    )
    return [SharedMailbox(found, given[found.id]) for found in map(mailbox_of, rows)]


def give(tx: Tx, mailbox_id: int, identifier: str, rights: Right) -> None:
    """Let an identifier have exactly these rights on a mailbox that is there; no rights end what it had."""
    if not rights:
        tx.db.execute("DELETE FROM access WHERE mailbox_id = ? AND identifier = ?", (mailbox_id, identifier))
        return
    tx.db.execute(
        "INSERT INTO access (mailbox_id, identifier, rights) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET rights = ?3",
        (mailbox_id, identifier, letters_of(rights)),
    )
    (count,) = tx.db.execute("SELECT count(*) FROM access WHERE mailbox_id = ?", (mailbox_id,)).fetchone()
    if count > MAX_GRANTS:
        raise TooManyGrants(f"a mailbox can be shared with {MAX_GRANTS} others at most")


def forget_account(tx: Tx, account_name: str) -> None:
    """Take everything away from an account that is removed."""
    tx.db.execute("DELETE FROM access WHERE identifier = ?", (account_name,))


def drop_rights(tx: Tx, mailbox_id: int) -> None:
    """Take a mailbox that goes away from everybody."""
    tx.db.execute("DELETE FROM access WHERE mailbox_id = ?", (mailbox_id,))
