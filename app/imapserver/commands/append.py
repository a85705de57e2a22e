"""APPEND: messages are spooled as they arrive and added in one transaction (RFC 9051 §6.3.12, RFC 3502, RFC 4315).

The mailbox and the account's room are looked at before a literal is accepted where that needs no waiting; the
transaction decides. When anything fails, no message of the command is added.
"""

from __future__ import annotations

import asyncio

from app.errors import NoSuchMailbox
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.spool import Body, Spool
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.append import AppendCommand, AppendMessage
from app.wire.imap.response import appenduid

THREAD_BYTES = 64 * 1024  # larger messages are analysed off the event loop


async def append(session: Session, command: AppendCommand) -> None:
    """Add the messages that were spooled for this command."""
    spools = session.connection.take_spools()
    bodies: list[Body] = []
    name = canonical(command.mailbox)
    try:
        incoming: list[Incoming] = []
        for message, spool in zip(command.messages, spools, strict=True):
            body = await _finish(spool)
            bodies.append(body)
            incoming.append(await _prepare(name, message, body))
        added = await session.account.write(lambda tx: [messages.add(tx, one) for one in incoming])
    except NoSuchMailbox as err:
        raise CommandFailed(f"{err}; create it first", response.TRYCREATE) from None
    finally:
        for spool in spools:
            spool.discard()
        for body in bodies:
            body.discard()
    session.ok(command.tag, "appended", appenduid(added[0].uidvalidity, [one.uid for one in added]))


async def _finish(spool: Spool) -> Body:
    """The spooled bytes; a large one is synced to disk off the event loop."""
    return await asyncio.to_thread(spool.finish) if spool.size > THREAD_BYTES else spool.finish()


async def _prepare(mailbox: str, message: AppendMessage, body: Body) -> Incoming:
    prepared = await asyncio.to_thread(prepare, body) if body.size > THREAD_BYTES else prepare(body)
    return Incoming(
        mailbox=mailbox,
        prepared=prepared,
        flags=message.flags.bits,
        keywords=message.flags.keywords,
        internaldate=message.internaldate,
    )
