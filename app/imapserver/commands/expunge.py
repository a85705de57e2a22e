"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9)."""

from __future__ import annotations

from collections.abc import Sequence

from app.imapserver import updates
from app.imapserver.commands.messageset import choose, writable
from app.imapserver.commands.progress import watched
from app.imapserver.session import Session
from app.store.account import expunge as removal
from app.store.account import mailboxes
from app.store.account.handle import Tx
from app.wire.imap.parse.copymove import ExpungeCommand


async def expunge(session: Session, command: ExpungeCommand) -> None:
    """Remove messages with the \\Deleted flag."""
    selected = writable(session)
    mailbox_id = selected.mailbox.id
    uids = None if command.uids is None else choose(selected, command.uids, uid=True)
    work = session.account.write(lambda tx: _expunge(tx, mailbox_id, uids))
    removed = await watched(session, command.tag, work)
    updates.write(session, may_expunge=True, is_answer=True)
    session.ok(command.tag, "expunged", updates.modseq_code(session) if removed else None)


def _expunge(tx: Tx, mailbox_id: int, uids: Sequence[int] | None) -> tuple[int, ...]:
    return removal.expunge_deleted(tx, mailboxes.by_id(tx.db, mailbox_id), uids)
