"""Which messages of a backup come back, and into which mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import NoSuchAccount, NoSuchMailbox, Refusal
from app.operations.backup import form
from app.operations.mailexport.source import Outgoing, Source, Tally, choose, read_mailbox
from app.store.account.records import Mailbox
from app.wire.imap.mailboxname import SEPARATOR
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_field
from app.wire.message.references import parse_message_id

BESIDE: Final = "Restored"
_WITH_ID: Final = """SELECT x.mailbox_id, x.uid FROM content c JOIN message x ON x.content_id = c.id
    WHERE c.message_id = ? ORDER BY x.mailbox_id, x.uid"""
_LISTED: Final = """SELECT x.uid, x.internaldate, c.message_id, c.list_fields, c.base_subject FROM message x
    JOIN content c ON c.id = x.content_id WHERE x.mailbox_id = ? ORDER BY x.uid"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is to come back: all mail, a mailbox with those below it, or one message; and whether beside."""

    mailbox: str = ""
    message_id: str = ""
    uid: int = 0  # of a message in the mailbox
    is_beside: bool = True


@dataclass(frozen=True, slots=True)
class Returning:
    """A message and the mailbox that it comes to."""

    mailbox: str
    message: Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A message as a list shows it."""

    uid: int
    received: int  # seconds since 1970
    message_id: str
    subject: str


def account_directory(backup: Path, name: str) -> Path:
    """Where a backup has an account; raises Refusal when it is no backup, NoSuchAccount."""
    form.describe(backup)
    directory = backup / form.DATA / "accounts" / name
    if name not in account_names(backup):
        raise NoSuchAccount(f"there is no account {name!r} in {backup}; there are {', '.join(account_names(backup))}")
    return directory


def account_names(backup: Path) -> list[str]:
    """The accounts of a backup."""
    form.describe(backup)
    return sorted(path.parent.name for path in (backup / form.DATA / "accounts").glob("*/index.db"))


def listed(source: Source, mailbox: str) -> Iterator[Listed]:
    """The messages of a mailbox; raises NoSuchMailbox."""
    [found] = choose(source, mailbox, is_single=True)
    rows = source.read_now(lambda db: db.execute(_LISTED, (found.id,)).fetchall())
    for uid, received, message_id, fields, base_subject in rows:
        subject = decode_words(find_field(fields, "Subject") or "") or base_subject  # fields may be too long to be kept
        yield Listed(uid=uid, received=received, message_id=message_id or "", subject=subject)


def returning(source: Source, choice: Choice, tally: Tally) -> Iterator[Returning]:
    """The messages, mailbox after mailbox; raises NoSuchMailbox, Refusal for a message that is not there."""
    if choice.message_id:
        places = _places(source, choice.message_id)
        chosen = [row for row in choose(source) if row.id in places]
    else:
        chosen = choose(source, choice.mailbox, is_single=bool(choice.uid))
        places = {row.id: ({choice.uid} if choice.uid else None) for row in chosen}
    tally.expected = sum(row.total if (uids := places[row.id]) is None else len(uids) for row in chosen)
    return _read(source, chosen, places, choice, tally)


def _read(
    source: Source, chosen: list[Mailbox], places: dict[int, set[int] | None], choice: Choice, tally: Tally
) -> Iterator[Returning]:
    found = 0
    for row in chosen:
        name = BESIDE + SEPARATOR + row.name if choice.is_beside else row.name
        for message in read_mailbox(source, row, tally, only=places[row.id]):
            found += 1
            yield Returning(name, message)
    if choice.uid and not found and not tally.fault_count:
        raise Refusal(f"mailbox {choice.mailbox!r} of the backup has no message {choice.uid}; 'restore list' shows all")


def _places(source: Source, message_id: str) -> dict[int, set[int] | None]:
    wanted = parse_message_id(message_id if "<" in message_id else f"<{message_id}>")
    rows = source.read_now(lambda db: db.execute(_WITH_ID, (wanted,)).fetchall()) if wanted else []
    places: dict[int, set[int] | None] = {}
    for mailbox_id, uid in rows:
        uids = places.setdefault(mailbox_id, set())
        assert uids is not None
        uids.add(uid)
    if not places:
        raise NoSuchMailbox(f"no mailbox of the backup has a message with the Message-ID {message_id}")
    return places
