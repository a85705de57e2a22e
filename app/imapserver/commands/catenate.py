"""CATENATE: a message put together of texts that the client sends and of what it has on the server (RFC 4469).

A client saves a draft, or forwards an attachment, without fetching and sending again what is here already. Each URL
means a message of the account, a section of it, or a stretch of that; it may name this server, and may leave out the
mailbox that is selected (RFC 5092 §7.2). One that means nothing fails the whole command.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from app.errors import ImapSyntaxError
from app.imapserver.commands.body import Stretch
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.imapserver.urls import find_mailbox, find_message, is_here, is_own, stretch_of
from app.store.spool import Body, Spool
from app.wire.imap.parse.append import AppendMessage, CatUrl
from app.wire.imap.parse.url import MessageUrl, UrlServer, parse_url
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
    except ImapSyntaxError:
        raise _bad(url) from None
    if place.server is not None and not _is_readable(session, place.server):
        raise _bad(url)
    if place.mailbox is None and session.selected is None:
        raise _bad(url)
    selected_id = session.selected.mailbox.id if session.selected else 0
    account = session.selected.account if session.selected and place.mailbox is None else session.account
    msg_dir = account.directory / "msg"
    found = await account.read(lambda db: _find(db, msg_dir, place, selected_id))
    if found is None:
        raise _bad(url)
    return found


def _is_readable(session: Session, server: UrlServer) -> bool:
    """Whether a server is this one, and its user, if there is one, the account that is signed in."""
    return is_here(session, server) if server.user is None else is_own(session, server)


def _find(db: sqlite3.Connection, msg_dir: Path, place: MessageUrl, selected_id: int) -> Stretch | None:
    mailbox_id = selected_id
    if place.mailbox is not None:
        mailbox = find_mailbox(db, place)
        if mailbox is None:
            return None
        mailbox_id = mailbox.id
    message = find_message(db, msg_dir, mailbox_id, place.uid)
    return stretch_of(message, place) if message else None


def _bad(url: str) -> CommandFailed:
    code = Code(f"BADURL {_NOT_IN_CODE.sub('?', url[:200])}")  # as it is, without quotes (RFC 4469, erratum 4046)
    return CommandFailed("there is no such message or part; nothing was appended", code)
