"""What a URL means to a session: whether its server is this one, whose account it is about, which bytes it names.

A server is this one when it has our host name, a name of a listener, or the name or address that the client connected
to, and no port that could be another server's. Nothing here says whether the bytes may be had.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from app.errors import BadMailboxName, ImapSyntaxError
from app.imapserver.commands.body import Stretch, section_of
from app.imapserver.session import Session
from app.store.account import mailboxes, messages
from app.store.account.reader import MessageBytes, read_message
from app.store.account.records import Mailbox
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.url import MessageUrl, UrlServer

_USUAL_PORTS: Final = (None, 143, 993)


def is_here(session: Session, server: UrlServer) -> bool:
    """Whether a server is this one, as far as this client can know."""
    connection = session.connection
    service = connection.service
    _, port = connection.transport.get_extra_info("sockname", ("", None))[:2]
    if server.port not in (*_USUAL_PORTS, port):
        return False
    host = server.host.rstrip(".")
    asked = connection.tls.server_name if connection.tls else None
    names = {domain.ascii for domain in service.signin.live.directory.hostnames}
    return host in names or host in (service.hostname, str(connection.local), asked)


def account_of(session: Session, user: str) -> str | None:
    """The name of the account that signs in as this user; None when there is none, or it may not sign in."""
    found = session.connection.service.signin.live.directory.login_account(user)
    return found.account_name if found is not None and not found.account.login_disabled else None


def is_own(session: Session, server: UrlServer) -> bool:
    """Whether a URL of this server is about the account that is signed in."""
    return (
        is_here(session, server)
        and server.user is not None
        and account_of(session, server.user) == session.account.name
    )


def find_mailbox(db: sqlite3.Connection, place: MessageUrl) -> Mailbox | None:
    """The mailbox that a URL names, if it is there with that uidvalidity."""
    try:
        mailbox = mailboxes.find(db, canonical(place.mailbox or ""))
    except (BadMailboxName, ImapSyntaxError):
        return None
    return None if mailbox is None or place.uidvalidity not in (None, mailbox.uidvalidity) else mailbox


def find_message(db: sqlite3.Connection, msg_dir: Path, mailbox_id: int, uid: int) -> MessageBytes | None:
    """The message with that uid."""
    row = messages.find(db, mailbox_id, uid)
    return read_message(db, msg_dir, row.content_id) if row else None


def stretch_of(message: MessageBytes, place: MessageUrl) -> Stretch | None:
    """The bytes of a message that a URL names; None when it has no such part."""
    return cut(section_of(message, place.section), place)


def cut(found: Stretch | bytes | None, place: MessageUrl) -> Stretch | None:
    """What the URL wants of a section."""
    if found is None:
        return None
    stretch = Stretch(found, 0, len(found)) if isinstance(found, bytes) else found
    return stretch.cut(place.partial.offset, place.partial.length) if place.partial else stretch
