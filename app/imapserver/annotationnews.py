"""Annotations that others changed, for a client that enabled METADATA or METADATA-SERVER (RFC 5464 §4.1, §4.4).

It is told names only, with the end of its next command or at once when it idles, and asks for the values it wants. A
client that is silent for very long is told of the newest MAX_PENDING.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.store.account.annotations import ACCOUNT
from app.store.account.changes import AnnotationsChanged, Change
from app.store.account.handle import Account
from app.wire.imap.respond.metadata import metadata_news

MAX_PENDING: Final = 1000  # as many as an account can have


class AnnotationNews:
    """What one session is to be told. It listens to the account while it is open."""

    __slots__ = ("_account", "_on_change", "_pending", "has_mailboxes")

    def __init__(self, account: Account, on_change: Callable[[], None]) -> None:
        self.has_mailboxes = False  # or the annotations of the account alone
        self._account = account
        self._on_change = on_change
        self._pending: dict[tuple[str, str], int] = {}  # names of mailbox and entry to the modseq, oldest first

    def open(self) -> None:
        """Begin to hear of changes."""
        self._account.listeners.add(self)

    def close(self) -> None:
        """End it."""
        self._account.listeners.discard(self)

    def changed(self, changes: list[Change]) -> None:
        """Hear of a commit."""
        mine = [change for change in changes if isinstance(change, AnnotationsChanged) and self.wants(change)]
        for change in mine:
            for key in change.keys:
                self._pending.pop((change.name, key), None)
                self._pending[change.name, key] = change.modseq
        while len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        if mine:
            self._on_change()

    def wants(self, change: AnnotationsChanged) -> bool:
        """Whether the change is told here."""
        return self.has_mailboxes or change.mailbox_id == ACCOUNT

    def knows_own_change(self, modseq: int) -> None:
        """The client itself made the change with that modseq."""
        self._pending = {names: other for names, other in self._pending.items() if other != modseq}

    def take(self, *, utf8: bool) -> bytes:
        """The responses that tell the news, which are none afterwards."""
        if not self._pending:
            return b""
        entries: dict[str, list[str]] = {}
        for name, key in self._pending:
            entries.setdefault(name, []).append(key)
        self._pending.clear()
        return b"".join([metadata_news(name, keys, utf8=utf8) for name, keys in entries.items()])
