"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.imapserver import updates
from app.imapserver.commands.messageset import choose, writable
from app.imapserver.commands.progress import watched
from app.imapserver.messagelimit import finish, newest
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.store.account import flags
from app.store.account.changes import Entry
from app.store.account.flags import FlagChange, FlagsStored, Mode
from app.wire.imap.flags import write_flags
from app.wire.imap.parse.store import StoreCommand
from app.wire.imap.response import modified


async def store(session: Session, command: StoreCommand) -> None:
    """Change flags and tell the new ones, unless the client wants silence."""
    selected = writable(session)
    if command.unchangedsince is not None:
        session.enable_condstore()
    bounded = newest(session, choose(selected, command.sequence, uid=command.uid))
    uids = bounded.uids
    change = FlagChange(
        mode=Mode(command.mode.value),
        flags=command.flags.bits,
        keywords=command.flags.keywords,
        unchanged_since=command.unchangedsince,
    )
    mailbox_id = selected.mailbox.id
    work = selected.account.write(lambda tx: flags.store(tx, mailbox_id, uids, change))
    stored = await watched(session, command.tag, work)
    await _report(session, selected, command, stored)
    # A message that is gone cannot be changed; without UID the client is told so (RFC 2180 §4.2.1).
    gone = len(uids) - len(stored.entries) - len(stored.modified)
    numbers = stored.modified if command.uid else [selected.seq_of(uid) for uid in stored.modified]
    code = modified(numbers) if stored.modified else None
    if gone and not command.uid and not stored.entries:
        session.no(command.tag, "these messages were expunged by another session", code)
    else:
        finish(session, command.tag, "stored", bounded, code)


async def _report(session: Session, selected: Selected, command: StoreCommand, stored: FlagsStored) -> None:
    """FETCH responses: flags and uid unless silent; with modseqs also when silent (RFC 7162 §3.1.3)."""
    entries = stored.entries
    uids = (entry.uid for entry in entries)
    if command.is_silent:
        selected.knows_own_change(uids, stored.modseq)
    elif entries:
        selected.told_flags(uids, max(entry.modseq for entry in entries))
    updates.write_keywords(session, selected)
    if command.is_silent and not session.has_condstore:
        return
    for start in range(0, len(entries), updates.LINES_AT_ONCE):
        if start:
            await session.connection.drain()
            await asyncio.sleep(0)  # other connections first
        session.write(_lines(session, selected, command, entries[start : start + updates.LINES_AT_ONCE]))


def _lines(session: Session, selected: Selected, command: StoreCommand, entries: Sequence[Entry]) -> bytes:
    has_modseq = session.has_condstore
    names_uid = (command.uid or has_modseq) and not session.has_uidonly
    form = updates.fetch_form(session, selected)
    lines: list[bytes] = []
    for entry in entries:
        items = b"UID %d" % entry.uid if names_uid else b""
        if not command.is_silent:
            items += b" FLAGS " + write_flags(entry.flags, entry.keywords)
        if has_modseq:
            items += b" MODSEQ (%d)" % entry.modseq
        lines.append(form.line % (form.number(entry.uid), items.lstrip()))
    return b"".join(lines)
