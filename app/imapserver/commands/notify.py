"""NOTIFY: from now on tell these events of these mailboxes, at once, and no others (RFC 5465 §3).

All that was not told yet of the selected mailbox is told first, whatever is wished. What changes between reading how
the mailboxes are and the end of the command is told twice, rather than not at all. The wishes hold even when it could
not be read how the mailboxes are.
"""

from __future__ import annotations

from typing import Final

from app.imapserver import news
from app.imapserver.commands.fetch import plan
from app.imapserver.othermailboxes import tell_counts, tell_notices
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.imapserver.wishes import Wishes
from app.wire.imap.parse.notify import NotifyCommand, NotifyEvent
from app.wire.imap.response import NOTIFICATIONOVERFLOW, badevent

MAX_GROUPS: Final = 50  # each is looked at for every mailbox in which something happened


async def notify(session: Session, command: NotifyCommand) -> None:
    """Take over the wishes, or decline them as a whole."""
    if command.has_unknown:
        known = [event.value for event in NotifyEvent]
        raise CommandFailed("some of these events do not happen here", badevent(known))
    if len(command.groups) > MAX_GROUPS:
        raise CommandFailed(f"at most {MAX_GROUPS} groups of mailboxes can be followed", NOTIFICATIONOVERFLOW)
    wishes = Wishes(command.groups, session.account.inboxes)
    if wishes.selected.items:
        plan(wishes.selected.items)  # raises for what cannot be fetched
    await tell_notices(session)
    session.notify(wishes)
    await news.tell_once(session, may_expunge=True)
    session.notify_selected()
    if command.has_status:
        await tell_counts(session, wishes)
    session.ok(command.tag, "you will be told" if command.groups else "you will be told nothing")
