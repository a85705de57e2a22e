"""COPY, MOVE and their UID forms (RFC 9051 §6.4.7, RFC 6851, RFC 4315). All or none, as one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import NoSuchMailbox
from app.imapserver import updates
from app.imapserver.commands.messageset import choose, selected_of, writable
from app.imapserver.commands.progress import watched
from app.imapserver.messagelimit import check_count, finish, newest
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account import mailboxes, messages
from app.store.account.handle import Tx
from app.store.account.messages import Copied
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.copymove import CopyCommand, MoveCommand
from app.wire.imap.response import Code, copyuid


async def copy(session: Session, command: CopyCommand) -> None:
    """Copy messages; the answer says their new uids."""
    selected = selected_of(session)
    source, uids, name = selected.mailbox.id, choose(selected, command.sequence, uid=command.uid), command.mailbox
    check_count(session, len(uids), newest(session, uids).lowest)
    work = selected.account.write(lambda tx: messages.copy(tx, source, uids, _target(tx, name)))
    copied = await watched(session, command.tag, work)
    _check_copied(command, uids, copied)
    session.ok(command.tag, "copied", _code(copied))


async def move(session: Session, command: MoveCommand) -> None:
    """Move messages: the new uids, then the removals, then the end (RFC 6851 §4.3)."""
    selected = writable(session)
    bounded = newest(session, choose(selected, command.sequence, uid=command.uid))
    source, uids, name = selected.mailbox.id, bounded.uids, command.mailbox
    work = selected.account.write(lambda tx: messages.move(tx, source, uids, _target(tx, name)))
    moved = await watched(session, command.tag, work)
    _check_copied(command, uids, moved)
    if code := _code(moved):
        session.untagged_ok("moved to", code)
    updates.write(session, may_expunge=True, is_answer=True)
    finish(session, command.tag, "moved", bounded, updates.modseq_code(session) if moved.source_uids else None)


def _check_copied(command: CopyCommand | MoveCommand, uids: Sequence[int], copied: Copied) -> None:
    """Messages meant by sequence number that are all gone are not silently nothing (RFC 2180 §4.4.1)."""
    if uids and not command.uid and not copied.source_uids:
        raise CommandFailed("these messages were expunged by another session", response.EXPUNGEISSUED)


def _target(tx: Tx, name: str) -> int:
    try:
        return mailboxes.get(tx.db, canonical(name)).id
    except NoSuchMailbox as err:
        raise CommandFailed(f"{err}; create it first", response.TRYCREATE) from None


def _code(copied: Copied) -> Code | None:
    if not copied.source_uids:
        return None
    return copyuid(copied.uidvalidity, copied.source_uids, copied.target_uids)
