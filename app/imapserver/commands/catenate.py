"""CATENATE: a message put together of texts that the client sends and of what it has on the server (RFC 4469).

A client saves a draft, or forwards an attachment, without fetching and sending again what is here already. Each URL
means a message of the account, a section of it, or a stretch of that. One that means nothing fails the whole command.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from app.errors import BadMailboxName, ImapSyntaxError
from app.imapserver.commands.body import Stretch, section_of
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import mailboxes, messages
from app.store.account.reader import read_message
from app.store.spool import Body, Spool
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.append import AppendMessage, CatUrl
from app.wire.imap.parse.url import MessageUrl, parse_url
from app.wire.imap.response import TOOBIG, Code

PIECE_BYTES = 256 * 1024
_NOT_IN_CODE = re.compile(r"[^!-\[^-~]")  # nor the bracket that ends the code


async def catenate(session: Session, message: AppendMessage, texts: Sequence[Body], tmp_dir: Path) -> Body:
    """All parts as one body; `texts` are those that the client sent, in order."""
    limit = session.connection.service.max_message_bytes
    spool = Spool(tmp_dir)
    sent = iter(texts)
    try:
        for part in message.parts:
            if isinstance(part, CatUrl):
                found = await _resolve(session, part.url)
            else:
                body = next(sent)
                found = Stretch(body.data, 0, body.size)
            if spool.size + len(found) > limit:
                raise CommandFailed(f"a message can have {limit} bytes at most", TOOBIG)
            await asyncio.to_thread(_copy, found, spool)
        return await asyncio.to_thread(spool.finish)
    finally:
        spool.discard()


def _copy(found: Stretch, spool: Spool) -> None:
    spool.write(found.prefix)
    for start in range(found.start, found.stop, PIECE_BYTES):
        spool.write(found.body[start : min(start + PIECE_BYTES, found.stop)])


async def _resolve(session: Session, url: str) -> Stretch:
    try:
        place = parse_url(url)
        name = canonical(place.mailbox)
    except (ImapSyntaxError, BadMailboxName):
        raise _bad(url) from None
    msg_dir = session.account.directory / "msg"
    found = await session.account.read(lambda db: _find(db, msg_dir, place, name))
    if found is None:
        raise _bad(url)
    return found


def _find(db: sqlite3.Connection, msg_dir: Path, place: MessageUrl, name: str) -> Stretch | None:
    mailbox = mailboxes.find(db, name)
    if mailbox is None or place.uidvalidity not in (None, mailbox.uidvalidity):
        return None
    row = messages.find(db, mailbox.id, place.uid)
    message = read_message(db, msg_dir, row.content_id) if row else None
    found = section_of(message, place.section) if message else None
    if found is None:
        return None
    stretch = Stretch(found, 0, len(found)) if isinstance(found, bytes) else found
    return stretch.cut(place.partial.offset, place.partial.length) if place.partial else stretch


def _bad(url: str) -> CommandFailed:
    code = Code(f"BADURL {_NOT_IN_CODE.sub('?', url[:200])}")  # as it is, without quotes (RFC 4469, erratum 4046)
    return CommandFailed("there is no such message or part; nothing was appended", code)
