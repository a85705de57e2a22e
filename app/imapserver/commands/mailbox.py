"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8, RFC 6154 §3).

Each is one transaction. What CREATE and RENAME made besides the named mailbox is told with LIST responses, so that a
client sees the parents too; one that knows IMAP4rev2 is told old names as well.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.errors import BadMailboxName
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import mailboxes
from app.store.account.handle import Tx
from app.store.account.objectids import Kind, write_objectid
from app.store.account.records import Mailbox
from app.wire.imap import response
from app.wire.imap.mailboxname import INBOX, canonical
from app.wire.imap.parse.mailbox import (
    CreateCommand,
    DeleteCommand,
    RenameCommand,
    SpecialUse,
    SubscribeCommand,
    UnsubscribeCommand,
)
from app.wire.imap.respond.listing import Listed, list_response
from app.wire.imap.response import mailboxid_is

_USES_TO_GIVE = frozenset(
    {SpecialUse.ARCHIVE, SpecialUse.DRAFTS, SpecialUse.JUNK, SpecialUse.SENT, SpecialUse.TRASH}
)  # \All, \Flagged and \Important would have to show messages of other mailboxes


async def create(session: Session, command: CreateCommand) -> None:
    """Make a mailbox and its missing parents. A special use moves to the new mailbox."""
    name = canonical(command.mailbox)
    use = _special_use(command.special_uses)
    if use is not None and name == INBOX:
        raise CommandFailed("the Inbox cannot have a special use", response.USEATTR)
    made = await session.account.write(lambda tx: mailboxes.create(tx, name, use))
    _tell_made(session, made)
    session.ok(command.tag, "created", mailboxid_is(write_objectid(Kind.MAILBOX, made[-1].id, session.account.epoch)))


def _special_use(uses: tuple[SpecialUse, ...]) -> str | None:
    if not uses:
        return None
    if len(uses) > 1:
        raise CommandFailed("a mailbox can have one special use only", response.USEATTR)
    if uses[0] not in _USES_TO_GIVE:
        raise CommandFailed(f"no mailbox here can be {uses[0].value}", response.USEATTR)
    return uses[0].value


def _tell_made(session: Session, made: Iterable[Mailbox]) -> None:
    lines = []
    for mailbox in made:
        attributes = ("\\Subscribed", mailbox.special_use) if mailbox.special_use else ("\\Subscribed",)
        lines.append(list_response(Listed(name=mailbox.name, attributes=attributes), utf8=session.utf8))
    session.write(b"".join(lines))


async def delete(session: Session, command: DeleteCommand) -> None:
    """Delete a mailbox with its messages; its subscription stays (RFC 9051 §6.3.5)."""
    name = canonical(command.mailbox)
    if name == INBOX:
        raise BadMailboxName("the Inbox cannot be deleted")
    mailbox_id = await session.account.write(lambda tx: _delete(tx, name))
    if session.selected is not None and session.selected.mailbox.id == mailbox_id:
        session.unselect()
        session.untagged_ok("the deleted mailbox is closed", response.CLOSED)
    session.ok(command.tag, "deleted")


def _delete(tx: Tx, name: str) -> int:
    mailbox_id = mailboxes.get(tx.db, name).id
    mailboxes.delete(tx, name)
    return mailbox_id


async def rename(session: Session, command: RenameCommand) -> None:
    """Give a mailbox and those below it a new name; the Inbox stays, and its messages move."""
    old, new = canonical(command.mailbox), canonical(command.new_mailbox)
    made = await session.account.write(lambda tx: mailboxes.rename(tx, old, new))
    _tell_made(session, made)
    if old != INBOX and "IMAP4REV2" in session.enabled:
        session.write(list_response(Listed(name=new, old_name=old), utf8=session.utf8))
    session.ok(command.tag, "renamed")


async def subscribe(session: Session, command: SubscribeCommand) -> None:
    """Subscribe to a name, whether there is such a mailbox or not."""
    name = canonical(command.mailbox)
    await session.account.write(lambda tx: mailboxes.subscribe(tx, name))
    session.ok(command.tag, "subscribed")


async def unsubscribe(session: Session, command: UnsubscribeCommand) -> None:
    """End a subscription; one that is not there has ended."""
    name = canonical(command.mailbox)
    await session.account.write(lambda tx: mailboxes.unsubscribe(tx, name))
    session.ok(command.tag, "unsubscribed")
