"""What happened in mailboxes that a client has not selected, until it is told, for one that used NOTIFY (RFC 5465).

Only that something happened is kept, by mailbox, and which it is about is found out when it is told: by then a mailbox
may have another name, or a name another mailbox. What the client did itself it knows (§5). A client that does not read
cannot make us keep more than MAX_PENDING: then it is told so, and nothing more (§5.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.imapserver.wishes import ALL_OF_IT, Telling, Wishes
from app.store.account.annotations import ACCOUNT
from app.store.account.changes import (
    AnnotationsChanged,
    Change,
    FlagsChanged,
    MailboxRenamed,
    MessagesAdded,
    MessagesExpunged,
    SubscriptionChanged,
)
from app.wire.imap.parse.notify import NotifyEvent

if TYPE_CHECKING:
    from app.imapserver.session import Session

MAX_PENDING: Final = 20_000

_MESSAGE_EVENTS: Final[dict[type, NotifyEvent]] = {
    MessagesAdded: NotifyEvent.MESSAGE_NEW,
    MessagesExpunged: NotifyEvent.MESSAGE_EXPUNGE,
    FlagsChanged: NotifyEvent.FLAG_CHANGE,
}


@dataclass(slots=True)
class Pending:
    """What is to be told."""

    messages: dict[int, set[NotifyEvent]] = field(default_factory=dict)  # by mailbox
    names: dict[str, str | None] = field(default_factory=dict)  # that came or went, and what they were before
    subscriptions: set[str] = field(default_factory=set)
    annotations: dict[int, dict[str, None]] = field(default_factory=dict)  # entries by mailbox, in their order
    count: int = 0  # of changes that were noted here, some of them for the same line


class Notices:
    """The wishes of one session, and what it is to be told. It listens to the account while it is open."""

    __slots__ = ("_pending", "_session", "is_overflown", "telling", "wishes")

    def __init__(self, session: Session, wishes: Wishes) -> None:
        self.wishes = wishes
        self.telling: Telling = ALL_OF_IT  # of the selected mailbox, until the client was told all that came before
        self.is_overflown = False
        self._session = session
        self._pending = Pending()

    def open(self) -> None:
        """Begin to hear of changes."""
        if self.wishes.others:
            self._session.account.listeners.add(self)

    def close(self) -> None:
        """End it."""
        self._session.account.listeners.discard(self)

    @property
    def is_pending(self) -> bool:
        """Whether there is anything to tell."""
        return self._pending.count > 0 or self.is_overflown

    def take(self) -> Pending:
        """What is to be told, which is nothing afterwards."""
        pending, self._pending = self._pending, Pending()
        return pending

    def put_back(self, pending: Pending) -> None:
        """It could not be told; what came meanwhile is about the same names and numbers, or newer."""
        newer, self._pending = self._pending, pending
        for mailbox_id, events in newer.messages.items():
            pending.messages.setdefault(mailbox_id, set()).update(events)
        for name, old in newer.names.items():
            _note_name(pending.names, name, old)
        pending.subscriptions |= newer.subscriptions
        for mailbox_id, entries in newer.annotations.items():
            pending.annotations.setdefault(mailbox_id, {}).update(entries)
        pending.count += newer.count

    def changed(self, changes: list[Change]) -> None:
        """Hear of a commit."""
        session = self._session
        if session.account.origin is session or self.is_overflown:
            return
        before = self._pending.count
        for change in changes:
            self._note(change)
        if self._pending.count > MAX_PENDING:
            self.is_overflown = True
            self._pending = Pending()
        if self.is_overflown or self._pending.count > before:
            session.news()

    def _note(self, change: Change) -> None:
        wanted, pending = self.wishes.others, self._pending
        if isinstance(change, MessagesAdded | FlagsChanged | MessagesExpunged):
            event, selected = _MESSAGE_EVENTS[type(change)], self._session.selected
            if event in wanted and (selected is None or selected.mailbox.id != change.mailbox_id):
                events = pending.messages.setdefault(change.mailbox_id, set())
                pending.count += event not in events
                events.add(event)
        elif isinstance(change, SubscriptionChanged):
            if NotifyEvent.SUBSCRIPTION_CHANGE in wanted:
                pending.count += change.name not in pending.subscriptions
                pending.subscriptions.add(change.name)
        elif isinstance(change, AnnotationsChanged):
            self._note_annotations(change)
        elif NotifyEvent.MAILBOX_NAME in wanted:
            pending.count += 1
            _note_name(pending.names, change.name, change.old_name if isinstance(change, MailboxRenamed) else None)

    def _note_annotations(self, change: AnnotationsChanged) -> None:
        is_account = change.mailbox_id == ACCOUNT
        event = NotifyEvent.SERVER_METADATA_CHANGE if is_account else NotifyEvent.MAILBOX_METADATA_CHANGE
        enabled = self._session.annotation_news
        if event not in self.wishes.others or (enabled is not None and enabled.wants(change)):
            return
        entries = self._pending.annotations.setdefault(change.mailbox_id, {})
        before = len(entries)
        entries.update(dict.fromkeys(change.keys))
        self._pending.count += len(entries) - before


def _note_name(names: dict[str, str | None], name: str, old: str | None) -> None:
    """Note a mailbox that came or went, or has a new name; of several renames the client hears as of one."""
    if old is not None:
        first = names.get(old, old)
        if first is not None:  # else it is new to the client, and the old name will be told as it is then
            names.pop(old, None)
        old = first if first != name else None
    names[name] = old
