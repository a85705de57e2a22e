"""News that cannot be told before the database was read: results of searches that may have changed, new messages, and
what happened in other mailboxes.

The end of a command waits until that was looked at (`Session.ending`), so a client hears of a change and of what
follows from it together. A client that listens is told in a task of its connection. What changes while we read waits
for the next time; when reading fails, the rest is told, and this later.
"""

from __future__ import annotations

from app.errors import Temporary
from app.imapserver import updates
from app.imapserver.commands.fetch import fetch_new
from app.imapserver.othermailboxes import tell_notices
from app.imapserver.session import Session, log
from app.wire.imap.parse.fetch import FetchItem


async def end_command(session: Session) -> None:
    """Tell what is new, then the end of the command under way, when it waits for that."""
    if session.ending is None:
        return
    await tell_once(session, may_expunge=session.may_expunge)
    line, session.ending = session.ending, None
    session.write(line)


async def tell(session: Session) -> None:
    """Tell a client that listens, until there is nothing more to read."""
    while session.must_read or session.has_news:
        if not await tell_once(session, may_expunge=session.may_push_expunges):
            return
        await session.connection.drain()


async def tell_once(session: Session, *, may_expunge: bool) -> bool:
    """Tell what is new; returns whether all that had to be read could be."""
    selected, is_read = session.selected, True
    try:
        await tell_notices(session)
        if selected is not None and selected.contexts is not None:
            await selected.contexts.refresh()
    except Temporary as error:
        log.warn("cannot see what changed, to tell a client", cid=session.connection.cid, err=error)
        is_read = False
    updates.write(session, may_expunge=may_expunge)
    try:
        await _fetch_new(session)
    except Temporary as error:
        log.warn("cannot fetch new messages unasked", cid=session.connection.cid, err=error)
        is_read = False
    return is_read


async def _fetch_new(session: Session) -> None:
    """Tell of new messages what the client wants to know of each, those with the same wishes together."""
    selected = session.selected
    if selected is None:
        return
    items = session.telling.items
    wanted = dict.fromkeys(selected.take_fresh(), items) if items else {}
    if selected.contexts is not None:
        for uid, more in selected.contexts.take_new(selected.seq_of).items():
            wanted[uid] = (*wanted.get(uid, ()), *more)  # RFC 5465 §5.2: told once
    alike: dict[tuple[FetchItem, ...], list[int]] = {}
    for uid, items in sorted(wanted.items()):
        alike.setdefault(items, []).append(uid)
    for items, uids in alike.items():
        await fetch_new(session, selected, items, uids)
