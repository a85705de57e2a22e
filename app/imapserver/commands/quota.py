"""GETQUOTA and GETQUOTAROOT (RFC 9208): how much the account holds, and how much it may hold.

An account with a limit has one quota root for all its mailboxes; one without has none. Limits are for the administrator
to set, so there is no SETQUOTA.
"""

from __future__ import annotations

from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account.messages import account_size
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.metadata import GetquotaCommand, GetquotarootCommand
from app.wire.imap.respond.quota import ROOT, quota_response, quotaroot_response


async def getquota(session: Session, command: GetquotaCommand) -> None:
    """Use and limit of the quota root."""
    if command.root != ROOT or session.account.quota_bytes <= 0:
        raise CommandFailed("there is no such quota root; GETQUOTAROOT shows those there are", response.NONEXISTENT)
    await _tell_quota(session)
    session.ok(command.tag, "done")


async def getquotaroot(session: Session, command: GetquotarootCommand) -> None:
    """The roots of a mailbox, which need not be there yet (RFC 9208 §4.1.2), with their use and limits."""
    name = canonical(command.mailbox)
    has_root = session.account.quota_bytes > 0
    session.write(quotaroot_response(name, has_root=has_root, utf8=session.utf8))
    if has_root:
        await _tell_quota(session)
    session.ok(command.tag, "done")


async def _tell_quota(session: Session) -> None:
    used = await session.account.read(account_size)
    session.write(quota_response(used, session.account.quota_bytes))
