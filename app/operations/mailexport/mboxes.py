"""A mailbox as an mbox file."""

from __future__ import annotations

from collections.abc import Iterator

from app.operations.archives.entry import Entry
from app.operations.mailexport.content import text_of
from app.operations.mailexport.paths import MBOX, Paths
from app.operations.mailexport.source import Outgoing, Source, Tally, read_mailbox
from app.store.account.records import Mailbox
from app.wire.imap.flags import FlagSet, keyword_names
from app.wire.mbox import quote, write_separator, write_status
from app.wire.message.header import find_field


def entries(source: Source, mailboxes: list[Mailbox], tally: Tally) -> Iterator[Entry]:
    """A file for each mailbox."""
    paths = Paths(MBOX)
    for mailbox in mailboxes:
        path = paths.path(mailbox.name)
        yield Entry(path=path, size=None if mailbox.total else 0, chunks=_chunks(source, mailbox, tally))


def _chunks(source: Source, mailbox: Mailbox, tally: Tally) -> Iterator[bytes]:
    if not mailbox.total:  # the file was announced as an empty one
        return
    for one in read_mailbox(source, mailbox, tally):
        yield from write_message(one)


def write_message(one: Outgoing) -> Iterator[bytes]:
    """A message with its separator, fields for its flags, and the empty line behind it."""
    text = text_of(one.content)
    names = keyword_names(one.flags, one.keywords)
    front = write_separator(_sender(one), one.internaldate) + b"\n"
    last = b"\n"
    for piece in text.pieces():
        if front:
            yield front + write_status(FlagSet(one.flags), names, piece, text.end)
            front = b""
        yield quote(piece)
        last = piece[-1:]
    yield b"\n" if last == b"\n" else b"\n\n"


def _sender(one: Outgoing) -> str:
    """The return path, when delivery noted one."""
    path = find_field(one.content.prefix, "Return-Path") if one.content.prefix else None
    return (path or "").strip("<> ")[:320]
