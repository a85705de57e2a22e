"""Tell a client of mailboxes that it has not selected, as it wished with NOTIFY (RFC 5465 §5).

Messages that came, went or changed are told as STATUS; mailboxes that came, went or have another name, and
subscriptions, as LIST; annotations by name. All is told as it is now, however often it changed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from itertools import chain, islice

from app.errors import NoSuchMailbox
from app.imapserver.commands.listing import Names, attributes_of, read_names
from app.imapserver.commands.status import write_counts
from app.imapserver.notices import Pending
from app.imapserver.session import Session
from app.imapserver.updates import LINES_AT_ONCE
from app.imapserver.wishes import Wishes
from app.store.account import mailboxes
from app.store.account.annotations import ACCOUNT
from app.store.account.records import Mailbox
from app.wire.imap.parse.notify import OF_MESSAGES, NotifyEvent
from app.wire.imap.respond.listing import Listed, list_response
from app.wire.imap.respond.metadata import metadata_news
from app.wire.imap.response import NOTIFICATIONOVERFLOW

NOBODY_READS = Wishes((), ())


async def tell_notices(session: Session) -> None:
    """Tell what is pending; that there was too much of it ends the notices."""
    notices = session.notices
    if notices is None or not notices.is_pending:
        return
    if notices.is_overflown:
        session.notify(NOBODY_READS)
        session.notify_selected()
        session.untagged_ok("too much happened, you are told nothing more; use NOTIFY again", NOTIFICATIONOVERFLOW)
        return
    pending = notices.take()
    try:
        names = await session.account.read(lambda db: _look(db, pending, notices.wishes))
    except BaseException:
        notices.put_back(pending)
        raise
    told = _Told(session, notices.wishes, names)
    await _write(session, chain(told.names(pending), told.counts(pending), told.annotations(pending)))


async def _write(session: Session, lines: Iterator[bytes]) -> None:
    """Write many lines so that other connections have their turn in between."""
    while some := list(islice(lines, LINES_AT_ONCE)):
        session.write(b"".join(some))
        await session.connection.drain()
        await asyncio.sleep(0)


def _look(db: sqlite3.Connection, pending: Pending, wishes: Wishes) -> Names:
    """What has to be known: all names, or the mailboxes in which something happened."""
    if pending.names or pending.subscriptions:
        return read_names(db)
    found: dict[str, Mailbox] = {}
    for mailbox_id in pending.messages.keys() | (pending.annotations.keys() - {ACCOUNT}):
        try:
            mailbox = mailboxes.by_id(db, mailbox_id)
        except NoSuchMailbox:
            continue
        found[mailbox.name] = mailbox
    return Names(found, mailboxes.subscriptions(db) if wishes.needs_subscriptions else set(), set())


class _Told:
    """The lines about what is pending."""

    __slots__ = ("_by_id", "_names", "_session", "_wishes")

    def __init__(self, session: Session, wishes: Wishes, names: Names) -> None:
        self._session = session
        self._wishes = wishes
        self._names = names
        self._by_id = {mailbox.id: mailbox for mailbox in names.mailboxes.values()}

    def _events(self, name: str) -> frozenset[NotifyEvent]:
        return self._wishes.events_of(name, is_subscribed=name in self._names.subscribed)

    def names(self, pending: Pending) -> Iterator[bytes]:
        """LIST responses."""
        done: set[str] = set()
        for name, old in pending.names.items():
            knows_old = old is not None and NotifyEvent.MAILBOX_NAME in self._events(old)
            if NotifyEvent.MAILBOX_NAME in self._events(name):
                is_moved = knows_old and name in self._names.mailboxes
                yield self._list(name, old if is_moved else None)
                done |= {name, old or name} if is_moved else {name}
            if old is not None and knows_old and old not in done:
                yield self._list(old)  # it is gone, as far as the client wants to know
                done.add(old)
        for name in sorted(pending.subscriptions - done):
            # A name that is no subscription any more is told to who wants to know of those (RFC 5465 §5.5).
            if NotifyEvent.SUBSCRIPTION_CHANGE in self._wishes.events_of(name, is_subscribed=True):
                yield self._list(name)

    def _list(self, name: str, old_name: str | None = None) -> bytes:
        attributes = attributes_of(self._names, name, shows_subscribed=True)
        return list_response(Listed(name=name, attributes=attributes, old_name=old_name), utf8=self._session.utf8)

    def counts(self, pending: Pending) -> Iterator[bytes]:
        """STATUS responses."""
        for mailbox_id, events in pending.messages.items():
            if (mailbox := self._by_id.get(mailbox_id)) is None:
                continue
            wanted = self._events(mailbox.name)
            if events & wanted:
                yield write_counts(self._session, mailbox, has_modseq=NotifyEvent.FLAG_CHANGE in wanted)

    def annotations(self, pending: Pending) -> Iterator[bytes]:
        """METADATA responses."""
        for mailbox_id, entries in pending.annotations.items():
            mailbox = self._by_id.get(mailbox_id)
            if mailbox_id == ACCOUNT:
                yield metadata_news("", entries, utf8=self._session.utf8)
            elif mailbox is not None and NotifyEvent.MAILBOX_METADATA_CHANGE in self._events(mailbox.name):
                yield metadata_news(mailbox.name, entries, utf8=self._session.utf8)


async def tell_counts(session: Session, wishes: Wishes) -> None:
    """How the mailboxes are now whose messages the client wants to hear of, but for the selected one (RFC 5465 §3)."""
    names = await session.account.read(read_names)
    selected_id = session.selected.mailbox.id if session.selected is not None else 0

    def counts() -> Iterator[bytes]:
        for mailbox in names.mailboxes.values():
            events = wishes.events_of(mailbox.name, is_subscribed=mailbox.name in names.subscribed)
            if events & OF_MESSAGES and mailbox.id != selected_id:
                yield write_counts(session, mailbox, has_modseq=NotifyEvent.FLAG_CHANGE in events)

    await _write(session, counts())
