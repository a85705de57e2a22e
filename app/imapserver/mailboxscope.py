"""Which names the filters of NOTIFY and ESEARCH mean (RFC 5465 §6, RFC 7377 §2.2).

Filters are names and kinds, so what a name means does not change when mailboxes come and go, but for subscriptions,
which are looked at each time. A name that no mailbox can have is ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from app.errors import BadMailboxName
from app.store.account.mailboxes import parents
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.mailboxfilter import FilterKind, MailboxFilter


class MailboxScope:
    """Some filters as one; what is selected is for the caller to know."""

    __slots__ = ("_inboxes", "_is_all", "_is_subscribed", "_names", "_parents", "_roots")

    def __init__(self, filters: Iterable[MailboxFilter], inboxes: Collection[str]) -> None:
        """`inboxes` are where mail is delivered to."""
        self._is_all = self._is_subscribed = False
        self._names: set[str] = set()
        self._roots: set[str] = set()
        self._parents: set[str] = set()
        for one in filters:
            names = _canonical(one.names)
            if one.kind is FilterKind.PERSONAL:
                self._is_all = True
            elif one.kind is FilterKind.SUBSCRIBED:
                self._is_subscribed = True
            elif one.kind is FilterKind.INBOXES:
                self._names.update(inboxes)
            elif one.kind is FilterKind.SUBTREE:
                self._names |= names
                self._roots |= names
            elif one.kind is FilterKind.SUBTREE_ONE:
                self._names |= names
                self._parents |= names
            else:
                self._names |= names

    def has(self, name: str, *, is_subscribed: bool) -> bool:
        """Whether a name is meant."""
        if self._is_all or name in self._names or (self._is_subscribed and is_subscribed):
            return True
        if self._parents and name.rpartition("/")[0] in self._parents:
            return True
        return bool(self._roots) and not self._roots.isdisjoint(parents(name))


def _canonical(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        try:
            found.add(canonical(name))
        except BadMailboxName:
            continue
    return found
