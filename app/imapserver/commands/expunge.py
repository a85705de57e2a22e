"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9)."""

from __future__ import annotations

from collections.abc import Sequence

from app.imapserver import updates
from app.imapserver.commands.messageset import choose, selected_of, writable
from app.imapserver.commands.progress import watched
from app.imapserver.messagelimit import Bounded, finish, newest
from app.imapserver.session import Session
from app.store.account import expunge as removal
from app.store.account import mailboxes
from app.store.account.handle import Tx
from app.wire.imap.flags import DELETED
from app.wire.imap.parse.copymove import ExpungeCommand


async def expunge(session: Session, command: ExpungeCommand) -> None:
    """Remove messages with the \\Deleted flag."""
    selected = writable(session)
    mailbox_id = selected.mailbox.id
    bounded = Bounded(()) if command.uids is None else _deleted(session, choose(selected, command.uids, uid=True))
    uids = None if command.uids is None else bounded.uids
    work = selected.account.write(lambda tx: _expunge(tx, mailbox_id, uids))
    removed = await watched(session, command.tag, work)
    updates.write(session, may_expunge=True, is_answer=True)
    finish(session, command.tag, "expunged", bounded, updates.modseq_code(session) if removed else None)


def _deleted(session: Session, uids: Sequence[int]) -> Bounded:
    """The uids to look at: when they are many, those with the flag are counted."""
    if len(uids) <= session.max_messages:
        return Bounded(uids)
    entry = selected_of(session).entry
    return newest(session, [uid for uid in uids if (found := entry(uid)) is not None and found.flags & DELETED])


def _expunge(tx: Tx, mailbox_id: int, uids: Sequence[int] | None) -> tuple[int, ...]:
    return removal.expunge_deleted(tx, mailboxes.by_id(tx.db, mailbox_id), uids)
