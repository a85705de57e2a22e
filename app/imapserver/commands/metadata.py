"""GETMETADATA and SETMETADATA (RFC 5464): small values that clients keep with a mailbox, or with the account.

Nobody else reads the account, so `/private` and `/shared` differ in name only, and what a client sees as annotations of
the server are those of the account. An entry that was asked for by name and is not there is answered with NIL.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import mailboxes
from app.store.account.annotations import ACCOUNT, annotate, annotations_of
from app.store.account.handle import Tx
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.metadata import GetmetadataCommand, SetmetadataCommand
from app.wire.imap.respond.metadata import longentries, metadata_response

_ADMIN = "/shared/admin"  # how to reach the administrator; not for clients to set (RFC 5464 §6.2.1.1)


async def getmetadata(session: Session, command: GetmetadataCommand) -> None:
    """Tell entries, and with DEPTH those below them; values over MAXSIZE are left out."""
    name, limit = canonical(command.mailbox) if command.mailbox else "", command.options.maxsize
    found = await session.account.read(lambda db: _read(db, name, command))
    too_long = [] if limit is None else [len(value) for value in found.values() if value and len(value) > limit]
    values = {entry: value for entry, value in found.items() if limit is None or not value or len(value) <= limit}
    if values:
        session.write(metadata_response(name, values, utf8=session.utf8))
    session.ok(command.tag, "done", longentries(max(too_long)) if too_long else None)


def _read(db: sqlite3.Connection, name: str, command: GetmetadataCommand) -> dict[str, bytes | None]:
    known = annotations_of(db, mailboxes.get(db, name).id if name else ACCOUNT)
    names, depth = list(known), command.options.depth
    found: dict[str, bytes | None] = {}
    for entry in command.entries:
        if depth == 0 or entry in known:
            found[entry] = known.get(entry)
        if depth != 0:
            found.update((below, known[below]) for below in _below(names, entry, depth))
    return found


def _below(names: Sequence[str], entry: str, depth: int | None) -> Iterator[str]:
    """Those of the sorted names that are below an entry: all, or with a depth of 1 the next level only."""
    start = bisect_left(names, entry + "/")
    for name in names[start : bisect_left(names, entry + "0", start)]:  # "0" is the character after "/"
        if depth is None or "/" not in name[len(entry) + 1 :]:
            yield name


async def setmetadata(session: Session, command: SetmetadataCommand) -> None:
    """Set or remove annotations, all or none."""
    name = canonical(command.mailbox) if command.mailbox else ""
    values = {annotation.entry: annotation.value for annotation in command.annotations}
    if not name and _ADMIN in values:
        raise CommandFailed(f"{_ADMIN} cannot be changed", response.CANNOT)

    def change(tx: Tx) -> int:
        return annotate(tx, mailboxes.get(tx.db, name).id if name else ACCOUNT, values)

    modseq = await session.account.write(change)
    if session.annotation_news is not None:
        session.annotation_news.knows_own_change(modseq)
    session.ok(command.tag, "done")
