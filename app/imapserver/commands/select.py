"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2).

The answer comes from the mailbox's index, which all sessions of the account share; it is read from the database only
when no session used the mailbox before.
"""

from __future__ import annotations

import contextlib

from app.errors import ImapSyntaxError, NoSuchMailbox
from app.imapserver.replies import UidRequired
from app.imapserver.resync import tell_changes
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.store.account import expunge, mailboxes
from app.store.account.handle import Tx
from app.store.account.indexes import MailboxIndex
from app.store.account.objectids import Kind, write_objectid
from app.store.account.records import Mailbox
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical, write_mailbox
from app.wire.imap.parse.copymove import CloseCommand, UnselectCommand
from app.wire.imap.parse.select import SelectCommand
from app.wire.imap.respond.sync import exists
from app.wire.imap.response import Code, flags_response, permanentflags, untagged_data


async def select(session: Session, command: SelectCommand) -> None:
    """Open a mailbox. A mailbox that was selected before is left even when this fails (RFC 9051 §6.3.2)."""
    if command.qresync is not None and not session.has_qresync:
        raise ImapSyntaxError("ENABLE QRESYNC before you use it")
    if command.qresync is not None and command.qresync.match is not None and session.has_uidonly:
        raise UidRequired("leave the sequence numbers out")
    if session.selected is not None:
        session.unselect()
        session.untagged_ok("the earlier mailbox is closed", response.CLOSED)
    if command.has_condstore:
        session.enable_condstore()
    mailbox, index = await _load(session, canonical(command.mailbox))
    selected = Selected(session.account, mailbox, index, command.is_read_only)
    session.select(selected)
    _write_state(session, selected)
    if command.qresync is not None and command.qresync.uidvalidity == mailbox.uidvalidity:
        await tell_changes(session, selected, command.qresync)
    code = response.READ_ONLY if command.is_read_only else response.READ_WRITE
    session.ok(command.tag, "selected", code)


async def _load(session: Session, name: str) -> tuple[Mailbox, MailboxIndex]:
    account = session.account
    found = await account.read(lambda db: mailboxes.get(db, name))
    index = await account.indexes.load(found.id)
    # Once more, now that the index follows every commit: modseq and uidnext must not be older than the index.
    try:
        mailbox = await account.read(lambda db: mailboxes.by_id(db, found.id))
    except NoSuchMailbox:
        account.indexes.forget(found.id)  # loaded after the mailbox was deleted
        raise
    if account.indexes.peek(mailbox.id) is not index:
        raise NoSuchMailbox(f"no mailbox {name!r}")
    return mailbox, index


def _write_state(session: Session, selected: Selected) -> None:
    mailbox = selected.mailbox
    is_rev2 = "IMAP4REV2" in session.enabled
    session.write(flags_response(mailbox.keywords))
    session.untagged_ok("flags you can change", permanentflags(mailbox.keywords, is_read_only=selected.read_only))
    session.write(exists(len(selected.uids)))
    if not is_rev2:
        session.write(b"* 0 RECENT\r\n")
        unseen = selected.index.first_unseen()
        if unseen is not None and not session.has_uidonly:
            session.untagged_ok("first unseen message", response.unseen_from(unseen + 1))
    session.untagged_ok("uids are valid", response.uidvalidity_is(mailbox.uidvalidity))
    session.untagged_ok("next uid", response.uidnext_is(mailbox.uidnext))
    session.write(untagged_data(b'LIST () "/" ' + write_mailbox(mailbox.name, utf8=session.utf8)))
    objectid = write_objectid(Kind.MAILBOX, mailbox.id, selected.account.epoch)
    session.untagged_ok("this mailbox, whatever its name", response.mailboxid_is(objectid))
    session.untagged_ok("highest modseq", Code(f"HIGHESTMODSEQ {selected.highest_modseq()}"))
    session.untagged_ok("URLs of this mailbox can be given to others", response.URLMECH)


async def close(session: Session, command: CloseCommand) -> None:
    """Expunge what has the \\Deleted flag without telling, and leave the mailbox.

    The new modseq is told to a client that knew everything until now; another would miss what came before it.
    """
    selected = session.selected
    assert selected is not None
    known = 0 if selected.has_news() else selected.highest_modseq()
    session.unselect()
    code = None
    if not selected.read_only:
        mailbox_id = selected.mailbox.id
        with contextlib.suppress(NoSuchMailbox):  # deleted by another session, and left all the same
            modseq = await selected.account.write(lambda tx: _expunge_deleted(tx, mailbox_id, known))
            code = response.highestmodseq(modseq) if modseq and session.has_qresync else None
    session.ok(command.tag, "closed", code)


def _expunge_deleted(tx: Tx, mailbox_id: int, known: int) -> int:
    """Returns the modseq of the removal; 0 when there is none, or something else happened after `known`."""
    mailbox = mailboxes.by_id(tx.db, mailbox_id)
    is_removed = bool(expunge.expunge_deleted(tx, mailbox))
    return tx.modseq() if is_removed and mailbox.modseq <= known else 0


def unselect(session: Session, command: UnselectCommand) -> None:
    """Leave the mailbox as it is."""
    session.unselect()
    session.ok(command.tag, "left")
