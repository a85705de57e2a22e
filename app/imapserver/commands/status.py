"""STATUS: counts of a mailbox without selecting it (RFC 9051 §6.3.11, RFC 8438, RFC 7162 §3.1.7).

All counts are kept with the mailbox, so the answer costs one row however many messages there are.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.imapserver.session import Session
from app.store.account import mailboxes
from app.store.account.objectids import Kind, write_objectid
from app.store.account.records import Mailbox
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.mailbox import StatusCommand, StatusItem
from app.wire.imap.respond.listing import status_response


async def status(session: Session, command: StatusCommand) -> None:
    """Answer with the items that were asked for."""
    check_items(session, command.items)
    name = canonical(command.mailbox)
    mailbox = await session.account.read(lambda db: mailboxes.get(db, name))
    session.write(write_status(session, mailbox, command.items))
    session.ok(command.tag, "done")


def write_counts(session: Session, mailbox: Mailbox, *, has_modseq: bool) -> bytes:
    """The STATUS response that tells a client unasked what changed in a mailbox (RFC 5465 §5.1 to §5.3)."""
    items = (*_COUNTS, StatusItem.HIGHESTMODSEQ) if has_modseq or session.has_condstore else _COUNTS
    return write_status(session, mailbox, items)


def check_items(session: Session, items: Iterable[StatusItem]) -> None:
    """Raise for an item that we do not have; asking for modseqs shows that the client knows them."""
    if StatusItem.HIGHESTMODSEQ in items:
        session.enable_condstore()


def write_status(session: Session, mailbox: Mailbox, items: Iterable[StatusItem]) -> bytes:
    """The STATUS response for a mailbox."""
    return status_response(mailbox.name, {item: _value(session, mailbox, item) for item in items}, utf8=session.utf8)


def _value(session: Session, mailbox: Mailbox, item: StatusItem) -> int | str | None:
    column = _COLUMNS.get(item)
    if column is not None:
        value: int = getattr(mailbox, column)
        return value
    if item is StatusItem.APPENDLIMIT:
        return session.connection.service.max_message_bytes  # the same for every mailbox (RFC 7889 §3)
    if item is StatusItem.MAILBOXID:
        return write_objectid(Kind.MAILBOX, mailbox.id, session.account.epoch)
    return 0  # RECENT


_COUNTS = (StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY, StatusItem.UNSEEN)
_COLUMNS = {
    StatusItem.MESSAGES: "total",
    StatusItem.UIDNEXT: "uidnext",
    StatusItem.UIDVALIDITY: "uidvalidity",
    StatusItem.UNSEEN: "unseen",
    StatusItem.DELETED: "deleted",
    StatusItem.DELETED_STORAGE: "deleted_bytes",
    StatusItem.SIZE: "size_bytes",
    StatusItem.HIGHESTMODSEQ: "modseq",
}
