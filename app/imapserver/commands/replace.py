"""REPLACE and UID REPLACE: a new message in the place of an old one, in one step (RFC 8508).

Clients save drafts this way. The new message may go to another mailbox; the old one leaves the selected mailbox,
whether it is \\Deleted or not. When anything fails, the old message stays and there is no new one. Only what the
account grows by counts for its quota (RFC 8508 §3.4).
"""

from __future__ import annotations

from app.imapserver import updates
from app.imapserver.commands.append import spooled
from app.imapserver.commands.messageset import choose_one, writable
from app.imapserver.commands.progress import watched
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import expunge, mailboxes, messages
from app.store.account.handle import Tx
from app.store.account.messages import Added, Incoming
from app.wire.imap import response
from app.wire.imap.parse.append import ReplaceCommand
from app.wire.imap.response import appenduid


async def replace(session: Session, command: ReplaceCommand) -> None:
    """Tell where the new message is, then that it is there, then that the old one is gone (RFC 8508 §4.3)."""
    async with spooled(session, command) as incoming:
        selected = writable(session)
        mailbox_id, uid = selected.mailbox.id, choose_one(selected, command.target, uid=command.uid)
        work = selected.account.write(lambda tx: _replace(tx, mailbox_id, uid, incoming[0]))
        added = await watched(session, command.tag, work)
    session.untagged_ok("the new message", appenduid(added.uidvalidity, [added.uid]))
    updates.write(session, may_expunge=False)
    updates.write(session, may_expunge=True, is_answer=True)
    session.ok(command.tag, "replaced", updates.modseq_code(session))


def _replace(tx: Tx, mailbox_id: int, uid: int, incoming: Incoming) -> Added:
    if mailboxes.find(tx.db, incoming.mailbox) is None:
        raise CommandFailed(f"no mailbox {incoming.mailbox!r}; create it first", response.TRYCREATE)
    if not expunge.expunge(tx, mailboxes.by_id(tx.db, mailbox_id), [uid]):
        raise CommandFailed("the message was expunged by another session", response.EXPUNGEISSUED)
    return messages.add(tx, incoming)
