"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 7162 §3.1.4).

What a client asks decides how it is read. Flags, uids and modseqs are in the shared index and answered at once. Dates,
sizes, ENVELOPE, structures and the usual header fields are ready in the database and come by range queries, some
hundred messages at a time. Only sections need the bytes of messages; they set \\Seen chunk by chunk, so that a message
whose text never left is not marked. Between chunks, and pieces of a large section, the event loop runs and the client's
pace is respected. A message that is gone while the client was not told can still be read; one that was erased
is left out.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.errors import ImapSyntaxError, Temporary
from app.imapserver import updates
from app.imapserver.commands.body import Large, write_section, written
from app.imapserver.commands.messageset import choose, selected_of
from app.imapserver.commands.progress import Steps
from app.imapserver.messagelimit import Bounded, check_count, finish, newest
from app.imapserver.resync import tell_removed
from app.imapserver.selected import Selected
from app.imapserver.session import Session, log
from app.store.account import flags
from app.store.account.flags import FlagChange, Mode
from app.store.account.handle import Account
from app.store.account.objectids import Kind, write_objectid
from app.store.account.prepare import LIST_FIELDS
from app.store.account.reader import content_ids, departed_row, read_message, ready_rows
from app.wire.imap.dates import write_date_time
from app.wire.imap.flags import SEEN, write_flags
from app.wire.imap.parse.fetch import Attribute, FetchCommand, FetchItem, SectionText
from app.wire.message.header import select_fields, without_fields

CHUNK = 512  # messages answered from ready columns at a time
BODY_CHUNK = 256  # messages whose bytes are read at a time
BODY_CHUNK_BYTES = 1 << 20
AT_ONCE = 4096  # messages answered from the index within one callback

_INDEXED = frozenset({Attribute.FLAGS, Attribute.UID, Attribute.MODSEQ})
_COLUMNS = {
    Attribute.ENVELOPE: "envelope",
    Attribute.BODY: "body_form",
    Attribute.BODYSTRUCTURE: "bodystructure",
    Attribute.RFC822_SIZE: "size_bytes",
    Attribute.INTERNALDATE: "internaldate",
    Attribute.SAVEDATE: "savedate",
    Attribute.EMAILID: "content_id",
    Attribute.THREADID: "thread_id",
}
_OBJECTS = {Attribute.EMAILID: Kind.EMAIL, Attribute.THREADID: Kind.THREAD}
_SECTIONS = frozenset(  # need the bytes
    {
        *(Attribute.BODY_SECTION, Attribute.BINARY, Attribute.BINARY_SIZE),
        *(Attribute.RFC822, Attribute.RFC822_HEADER, Attribute.RFC822_TEXT),
        Attribute.PREVIEW,
    }
)
_LIST_FIELDS = frozenset(LIST_FIELDS)

Row = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to answer a set of items."""

    items: tuple[FetchItem, ...]
    columns: tuple[str, ...]  # to read besides the uid, for the items that have one
    needs_bytes: bool
    sets_seen: bool


@lru_cache(1024)
def plan(items: tuple[FetchItem, ...]) -> Plan:
    """The plan for these items; raises ImapSyntaxError for one that we do not have."""
    columns: list[str] = []
    needs_bytes = False
    for item in items:
        if item.attribute in _COLUMNS:
            columns.append(_COLUMNS[item.attribute])
        elif _is_list_fields(item):
            columns.append("list_fields")
        elif item.attribute in _SECTIONS:
            needs_bytes = True
        elif item.attribute not in _INDEXED:
            raise ImapSyntaxError(f"{item.label.decode('ascii', 'replace')} cannot be fetched here")
    sets_seen = any(item.sets_seen for item in items)
    return Plan(items=items, columns=tuple(dict.fromkeys(columns)), needs_bytes=needs_bytes, sets_seen=sets_seen)


def _is_list_fields(item: FetchItem) -> bool:
    section = item.section
    return (
        section is not None
        and section.text is SectionText.HEADER_FIELDS
        and not section.part
        and _LIST_FIELDS.issuperset(name.lower() for name in section.fields)
    )


def fetch(session: Session, command: FetchCommand) -> Coroutine[Any, Any, None] | None:
    """Answer from the index at once, or begin to read."""
    selected = selected_of(session)
    if command.vanished and not session.has_qresync:
        raise ImapSyntaxError("ENABLE QRESYNC before you use VANISHED")
    if command.changedsince is not None or any(item.attribute is Attribute.MODSEQ for item in command.items):
        session.enable_condstore()
    wanted = plan(_with_implied(command, is_uidonly=session.has_uidonly))
    updates.write_keywords(session, selected)
    uids: Sequence[int] = choose(selected, command.sequence, uid=command.uid)
    if command.changedsince is not None:
        uids = _changed_since(selected, uids, command.changedsince)
    if command.page is not None:  # counted in what the other modifier left (RFC 9394 §3.4)
        check_count(session, command.page.high - command.page.low + 1)
        uids = uids[command.page.places(len(uids))]
    bounded = newest(session, uids)
    if wanted.columns or wanted.needs_bytes or command.vanished or len(bounded.uids) > AT_ONCE:
        return _fetch(session, selected, command, wanted, bounded)
    _write(session, selected, wanted, ((uid,) for uid in bounded.uids))
    finish(session, command.tag, "fetched", bounded)
    return None


def _with_implied(command: FetchCommand, *, is_uidonly: bool) -> tuple[FetchItem, ...]:
    """The items with UID for UID FETCH (RFC 9051 §6.4.9) and MODSEQ for CHANGEDSINCE (RFC 7162 §3.1.4.1).

    UIDFETCH responses begin with the uid.
    """
    items = command.items
    attributes = {item.attribute for item in items}
    if command.uid and not is_uidonly and Attribute.UID not in attributes:
        items = (FetchItem(Attribute.UID, b"UID"), *items)
    if command.changedsince is not None and Attribute.MODSEQ not in attributes:
        items = (*items, FetchItem(Attribute.MODSEQ, b"MODSEQ"))
    return items


def _changed_since(selected: Selected, uids: Iterable[int], modseq: int) -> list[int]:
    entries = ((uid, selected.entry(uid)) for uid in uids)
    return [uid for uid, entry in entries if entry is not None and entry.modseq > modseq]


async def _fetch(session: Session, selected: Selected, command: FetchCommand, wanted: Plan, bounded: Bounded) -> None:
    uids = bounded.uids
    sets_seen = wanted.sets_seen and not selected.read_only
    at_once = BODY_CHUNK if wanted.needs_bytes else CHUNK
    mailbox_id, msg_dir = selected.mailbox.id, selected.account.directory / "msg"
    position, steps = 0, Steps(session, command.tag)
    if command.vanished and command.changedsince is not None:
        await tell_removed(session, selected, command.sequence, command.changedsince)
    while position < len(uids) and session.selected is selected:
        chunk = await _read(selected.account, Asked(msg_dir, mailbox_id, wanted, uids[position : position + at_once]))
        shown = await _set_seen(session, selected, wanted, [row[0] for row in chunk.rows]) if sets_seen else wanted
        if chunk.has_large:
            await _write_large(session, selected, shown, chunk.rows)
        else:
            _write(session, selected, shown, chunk.rows)
        await session.connection.drain()
        position += chunk.done
        steps.tell(position, len(uids))
    finish(session, command.tag, "fetched", bounded)


async def fetch_new(session: Session, selected: Selected, items: tuple[FetchItem, ...], uids: Sequence[int]) -> None:
    """Tell of new messages what the client wants to know of each (RFC 5465 §5.2, §7); nothing is marked as seen."""
    wanted = plan(_with_sync(session, tuple(dict.fromkeys(items))))
    mailbox_id, msg_dir = selected.mailbox.id, selected.account.directory / "msg"
    position = 0
    while position < len(uids) and session.selected is selected:
        chunk = await _read(
            selected.account, Asked(msg_dir, mailbox_id, wanted, uids[position : position + BODY_CHUNK])
        )
        if chunk.has_large:
            await _write_large(session, selected, wanted, chunk.rows)
        else:
            _write(session, selected, wanted, chunk.rows)
        await session.connection.drain()
        position += chunk.done


async def _read(account: Account, asked: Asked) -> Chunk:
    if asked.wanted.needs_bytes:
        return await account.read(lambda db: _read_with_bytes(db, asked))
    if asked.wanted.columns:
        return await account.read(lambda db: _read_columns(db, asked))
    await asyncio.sleep(0)  # other connections first
    return Chunk([(uid,) for uid in asked.uids], len(asked.uids))


@dataclass(frozen=True, slots=True)
class Asked:
    """What one read is about."""

    msg_dir: Path
    mailbox_id: int
    wanted: Plan
    uids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that were read: the uid, the plan's columns, and for sections a dictionary by item."""

    rows: list[Row]
    done: int  # how many of the asked uids this is about; a read ends early when there are many bytes
    has_large: bool = False  # whether there are sections that are to be written in pieces


async def _set_seen(session: Session, selected: Selected, wanted: Plan, uids: Sequence[int]) -> Plan:
    """Mark what will be read as seen; when that changed anything the flags are told too (RFC 9051 §6.4.5)."""
    entries = ((uid, selected.entry(uid)) for uid in uids)
    unseen = [uid for uid, entry in entries if entry is not None and not entry.flags & SEEN]
    if not unseen:
        return wanted
    mailbox_id = selected.mailbox.id
    change = FlagChange(mode=Mode.ADD, flags=SEEN)
    try:
        stored = await selected.account.write(lambda tx: flags.store(tx, mailbox_id, unseen, change))
    except Temporary as err:  # with a full disk, mail can still be read
        log.warn("cannot mark messages as seen", cid=session.connection.cid, err=err)
        return wanted
    updates.write_keywords(session, selected)
    if stored.entries:
        selected.told_flags((e.uid for e in stored.entries), max(e.modseq for e in stored.entries))
    told = {item.attribute for item in wanted.items}
    more = [FetchItem(Attribute.FLAGS, b"FLAGS")] if Attribute.FLAGS not in told else []
    return plan(_with_sync(session, (*wanted.items, *more)))


def _with_sync(session: Session, items: tuple[FetchItem, ...]) -> tuple[FetchItem, ...]:
    """Flags that a client did not ask for come with what keeps it in step (RFC 7162 §3.1, §3.2.4)."""
    told = {item.attribute for item in items}
    if Attribute.FLAGS in told and session.has_condstore and Attribute.MODSEQ not in told:
        items = (*items, FetchItem(Attribute.MODSEQ, b"MODSEQ"))
    if Attribute.FLAGS in told and session.has_qresync and not session.has_uidonly and Attribute.UID not in told:
        items = (*items, FetchItem(Attribute.UID, b"UID"))
    return items


def _read_columns(db: sqlite3.Connection, asked: Asked) -> Chunk:
    """Ready columns. A list of fields that was too long to keep is read from the message."""
    uids, columns = asked.uids, asked.wanted.columns
    if not columns:
        return Chunk([(uid,) for uid in uids], len(uids))
    rows: list[Row] = list(ready_rows(db, asked.mailbox_id, uids, columns))
    if len(rows) < len(uids):
        found = {row[0] for row in rows}
        departed = (departed_row(db, asked.mailbox_id, uid, columns) for uid in uids if uid not in found)
        rows = sorted([*rows, *(row for row in departed if row is not None)], key=lambda row: row[0])
    if "list_fields" in columns:
        place = 1 + columns.index("list_fields")
        rows = [row if row[place] else _with_header(db, asked, row, place) for row in rows]
    return Chunk(rows, len(uids))


def _with_header(db: sqlite3.Connection, asked: Asked, row: Row, place: int) -> Row:
    content_id = content_ids(db, asked.mailbox_id, [row[0]]).get(row[0], 0)
    message = read_message(db, asked.msg_dir, content_id)
    fields = select_fields(message.header(), LIST_FIELDS, exclude=False) if message else b"\r\n"
    return (*row[:place], fields, *row[place + 1 :])


def _read_with_bytes(db: sqlite3.Connection, asked: Asked) -> Chunk:
    """Rows as above with the written sections behind."""
    columns = {row[0]: row for row in _read_columns(db, asked).rows}
    contents = content_ids(db, asked.mailbox_id, asked.uids)
    items = [item for item in asked.wanted.items if _needs_bytes(item)]
    rows: list[Row] = []
    size, has_large = 0, False
    for done, uid in enumerate(asked.uids, 1):
        message = read_message(db, asked.msg_dir, contents.get(uid, 0))
        if message is not None and uid in columns:
            sections = {item: written(item, message) for item in items}
            rows.append((*columns[uid], sections))
            size += sum(map(len, sections.values()))
            has_large = has_large or any(isinstance(section, Large) for section in sections.values())
        if size > BODY_CHUNK_BYTES:
            return Chunk(rows, done, has_large)
    return Chunk(rows, len(asked.uids), has_large)


def _needs_bytes(item: FetchItem) -> bool:
    return item.attribute in _SECTIONS and not _is_list_fields(item)


async def _write_large(session: Session, selected: Selected, wanted: Plan, rows: Iterable[Row]) -> None:
    """The same when there are sections too large to be held: these are read and sent piece by piece."""
    writers = [_writer(item, wanted, selected) for item in wanted.items]
    form = updates.fetch_form(session, selected)
    head = form.line.partition(b"%b")[0]
    for row in rows:
        items = [item for writer in writers if (item := writer(row))]
        session.write(head % form.number(row[0]))
        for place, item in enumerate(items):
            if place:
                session.write(b" ")
            if isinstance(item, bytes):
                session.write(item)
                continue
            pieces = item.pieces()
            while piece := await asyncio.to_thread(next, pieces, b""):
                session.write(piece)
                await session.connection.drain()
        session.write(b")\r\n")


def _write(session: Session, selected: Selected, wanted: Plan, rows: Iterable[Row]) -> None:
    """The FETCH responses of these rows."""
    writers = [_writer(item, wanted, selected) for item in wanted.items]
    form = updates.fetch_form(session, selected)
    number_of, line = form.number, form.line
    lines: list[bytes] = []
    for row in rows:
        pieces = [piece for writer in writers if (piece := writer(row))]
        lines.append(line % (number_of(row[0]), b" ".join(pieces)))
        if len(lines) >= CHUNK:
            session.write(b"".join(lines))
            lines = []
    session.write(b"".join(lines))


def _writer(item: FetchItem, wanted: Plan, selected: Selected) -> Callable[[Row], Any]:
    """A function from a row to the item of the response, which is bytes or a Large section."""
    attribute = item.attribute
    if attribute is Attribute.UID:
        return lambda row: b"UID %d" % row[0]
    if attribute is Attribute.FLAGS:
        return lambda row: _flags(selected, row[0])
    if attribute is Attribute.MODSEQ:
        return lambda row: _modseq(selected, row[0])
    if _needs_bytes(item):
        place = 1 + len(wanted.columns)
        return lambda row: row[place][item]
    if attribute in _SECTIONS:
        return _list_fields_writer(item, 1 + wanted.columns.index("list_fields"))
    place = 1 + wanted.columns.index(_COLUMNS[attribute])
    label = item.label + b" "
    if attribute in (Attribute.INTERNALDATE, Attribute.SAVEDATE):
        return lambda row: label + write_date_time(row[place])
    if attribute is Attribute.RFC822_SIZE:
        return lambda row: b"RFC822.SIZE %d" % row[place]
    if attribute in _OBJECTS:
        kind, epoch = _OBJECTS[attribute], selected.account.epoch
        return lambda row: label + b"(%b)" % write_objectid(kind, row[place], epoch).encode("ascii")
    return lambda row: label + row[place]


def _flags(selected: Selected, uid: int) -> bytes:
    entry = selected.entry(uid)
    return b"FLAGS " + write_flags(entry.flags, entry.keywords) if entry else b"FLAGS (\\Deleted)"


def _modseq(selected: Selected, uid: int) -> bytes:
    entry = selected.entry(uid)
    return b"MODSEQ (%d)" % entry.modseq if entry else b""


def _list_fields_writer(item: FetchItem, place: int) -> Callable[[Row], bytes]:
    assert item.section is not None
    asked = {name.lower() for name in item.section.fields}
    others = tuple(name for name in LIST_FIELDS if name not in asked)
    return lambda row: write_section(item, without_fields(row[place], others))
