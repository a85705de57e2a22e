"""Rows of an account as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A mailbox with its counts."""

    id: int
    name: str
    special_use: str | None
    uidvalidity: int
    uidnext: int
    createseq: int
    modseq: int
    keywords: str  # separated by spaces
    total: int
    unseen: int
    deleted: int
    size_bytes: int
    deleted_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message of a mailbox, as its row has it."""

    uid: int
    modseq: int
    createseq: int
    flags: int
    keywords: str
    size_bytes: int
    internaldate: int  # seconds since 1970
    savedate: int
    content_id: int
    origin_id: int
    trained: int


MESSAGE_COLUMNS = (
    "uid, modseq, createseq, flags, keywords, size_bytes, internaldate, savedate, content_id, origin_id, trained"
)
MAILBOX_COLUMNS = (
    "id, name, special_use, uidvalidity, uidnext, createseq, modseq, keywords, "
    "total, unseen, deleted, size_bytes, deleted_bytes"
)
_MAILBOX_FIELDS = tuple(MAILBOX_COLUMNS.split(", "))
_MESSAGE_FIELDS = tuple(MESSAGE_COLUMNS.split(", "))


def mailbox_of(row: tuple[object, ...]) -> Mailbox:
    """The value of a row of MAILBOX_COLUMNS."""
    return Mailbox(**dict(zip(_MAILBOX_FIELDS, row, strict=True)))  # type: ignore[arg-type]


def message_of(row: tuple[object, ...]) -> StoredMessage:
    """The value of a row of MESSAGE_COLUMNS."""
    return StoredMessage(**dict(zip(_MESSAGE_FIELDS, row, strict=True)))  # type: ignore[arg-type]
