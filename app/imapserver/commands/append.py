"""APPEND: messages are spooled as they arrive and added in one transaction (RFC 9051 §6.3.12, RFC 3502, RFC 4315).

The mailbox and the account's room are looked at before a client that waits, or has much to send, is let send; the
transaction decides. When anything fails, no message of the command is added. Bytes are kept as they came, bare line
feeds too; only a part with NUL in a message that was sent as binary is put into base64 (RFC 3516 §4.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from app.errors import NoSuchMailbox, OverQuota
from app.imapserver.commands.catenate import catenate
from app.imapserver.commands.messageset import choose_one, writable
from app.imapserver.messagelimit import check_count
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import mailboxes, messages
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.spool import Body, Spool
from app.wire.imap import response
from app.wire.imap.events import AppendStart
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.append import AppendCommand, AppendMessage, CatText, ReplaceCommand
from app.wire.imap.response import appenduid
from app.wire.message.nul import NulError, without_nul

THREAD_BYTES = 64 * 1024  # larger messages are analysed off the event loop


async def look_ahead(session: Session, start: AppendStart, earlier_bytes: int) -> None:
    """Raise when the message that is about to come will be refused; `earlier_bytes` came before it in the command."""
    check_count(session, len(start.command.messages))
    account, command, name = session.account, start.command, canonical(start.command.mailbox)
    freed_bytes = await _replaced_bytes(session, command) if isinstance(command, ReplaceCommand) else 0
    mailbox, used = await account.read(lambda db: (mailboxes.find(db, name), messages.account_size(db)))
    if mailbox is None:
        raise CommandFailed(f"no mailbox {name!r}; create it first", response.TRYCREATE)
    needed = used + earlier_bytes + start.message.size_bytes - freed_bytes
    if 0 < account.quota_bytes < needed:
        raise OverQuota(f"account would hold {needed} bytes, {account.quota_bytes} are allowed")


async def _replaced_bytes(session: Session, command: ReplaceCommand) -> int:
    selected = writable(session)
    mailbox_id, uid = selected.mailbox.id, choose_one(selected, command.target, uid=command.uid)
    message = await selected.account.read(lambda db: messages.find(db, mailbox_id, uid))
    return message.size_bytes if message else 0


async def append(session: Session, command: AppendCommand) -> None:
    """Add the messages that were spooled for this command."""
    async with spooled(session, command) as incoming:
        check_count(session, len(incoming))
        try:
            added = await session.account.write(lambda tx: [messages.add(tx, one) for one in incoming])
        except NoSuchMailbox as err:
            raise CommandFailed(f"{err}; create it first", response.TRYCREATE) from None
    session.ok(command.tag, "appended", appenduid(added[0].uidvalidity, [one.uid for one in added]))


@asynccontextmanager
async def spooled(session: Session, command: AppendCommand | ReplaceCommand) -> AsyncIterator[list[Incoming]]:
    """The messages that came with the command, ready to be added; what is kept of them elsewhere goes at the end."""
    spools = session.connection.take_spools()
    bodies: list[Body] = []
    try:
        name = canonical(command.mailbox)
        incoming: list[Incoming] = []
        waiting = iter(spools)
        for message in command.messages:
            count = sum(isinstance(part, CatText) for part in message.parts) if message.parts else 1
            texts = [await _finish(spool) for spool in islice(waiting, count)]
            bodies += texts
            body = await catenate(session, message, texts, session.accounts.tmp_dir) if message.parts else texts[0]
            bodies.append(body)
            if message.is_binary and body.data.find(b"\0") >= 0:
                body = await asyncio.to_thread(_without_nul, body, session.accounts.tmp_dir)
                bodies.append(body)
            incoming.append(await _prepare(name, message, body))
        yield incoming
    finally:
        for spool in spools:
            spool.discard()
        for body in bodies:
            body.discard()


async def _finish(spool: Spool) -> Body:
    """The spooled bytes; a large one is synced to disk off the event loop."""
    return await asyncio.to_thread(spool.finish) if spool.size > THREAD_BYTES else spool.finish()


def _without_nul(body: Body, tmp_dir: Path) -> Body:
    spool = Spool(tmp_dir)
    try:
        for piece in without_nul(body.data):
            spool.write(piece)
        return spool.finish()
    except NulError as err:
        raise CommandFailed(str(err), response.UNKNOWN_CTE) from None
    finally:
        spool.discard()


async def _prepare(mailbox: str, message: AppendMessage, body: Body) -> Incoming:
    prepared = await asyncio.to_thread(prepare, body) if body.size > THREAD_BYTES else prepare(body)
    return Incoming(
        mailbox=mailbox,
        prepared=prepared,
        flags=message.flags.bits,
        keywords=message.flags.keywords,
        internaldate=message.internaldate,
    )
