"""What a client wants to be told with NOTIFY (RFC 5465), or without it.

Of the selected mailbox that is a `Telling`; of others, which events of a mailbox by name. A mailbox that several groups
mean has the events of all of them. Without NOTIFY a client is told all of the selected mailbox, with its commands or
while it idles, and nothing of others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from app.imapserver.mailboxscope import MailboxScope
from app.wire.imap.parse.fetch import FetchItem
from app.wire.imap.parse.mailboxfilter import OF_SELECTED, FilterKind
from app.wire.imap.parse.notify import COUNTS, EventGroup, NotifyEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a client is told of its selected mailbox."""

    has_counts: bool = True  # what comes and goes
    has_flags: bool = True
    is_prompt: bool = False  # also removals are told when no command is under way
    items: tuple[FetchItem, ...] = ()  # to fetch of new messages


ALL_OF_IT: Final = Telling()
NOTHING: Final = Telling(has_counts=False, has_flags=False)


class Wishes:
    """The groups of one NOTIFY command; without any, nothing is told."""

    __slots__ = ("_groups", "is_silent", "needs_subscriptions", "others", "selected")

    def __init__(self, groups: Iterable[EventGroup], inboxes: Collection[str]) -> None:
        """`inboxes` are where mail is delivered to."""
        groups = list(groups)
        self.is_silent = not groups
        self.selected = next((_telling(group) for group in groups if group.mailboxes.kind in OF_SELECTED), NOTHING)
        others = [group for group in groups if group.mailboxes.kind not in OF_SELECTED]
        self._groups = [(MailboxScope([group.mailboxes], inboxes), group.events) for group in others]
        self.others = frozenset[NotifyEvent]().union(*(group.events for group in others))
        self.needs_subscriptions = any(group.mailboxes.kind is FilterKind.SUBSCRIBED for group in others)

    def events_of(self, name: str, *, is_subscribed: bool) -> frozenset[NotifyEvent]:
        """Which events are wanted of a mailbox that is not selected."""
        found = [events for scope, events in self._groups if scope.has(name, is_subscribed=is_subscribed)]
        return frozenset().union(*found)


def _telling(group: EventGroup) -> Telling:
    return Telling(
        has_counts=group.events >= COUNTS,
        has_flags=NotifyEvent.FLAG_CHANGE in group.events,
        is_prompt=group.mailboxes.kind is FilterKind.SELECTED,
        items=group.items,
    )
