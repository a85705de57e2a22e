"""Searches of the selected mailbox whose results are kept up to date: RETURN (UPDATE) (RFC 5267 §4.3).

    context = contexts.open(asked)      before the search runs, so that no change is missed
    context.begin(matches, ranks)       with what the client was told
    contexts.changed(change)            notes which messages have to be looked at again
    await contexts.refresh()            looks at these and no others, in one read
    contexts.write_gone(view) ...       what the client is told, beside EXPUNGE, EXISTS and FETCH

A message is looked at again when it comes, and when its flags change if a key of the search asks for flags. Sort keys
never change, so a sorted result needs them once for each message. The number of contexts and the size of sorted results
are bounded; a search that would pass a bound is answered, and refused its updates. So is one about the age of messages:
nothing happens when a message becomes a day old.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from app.imapserver.results import MailboxOrder, SortedOrder
from app.store.account.changes import FlagsChanged, MessageChange, MessagesAdded
from app.store.account.handle import Account
from app.store.account.search import Match, Search, find_matches
from app.store.account.sorting import Rank, rank_matches
from app.wire.imap.frozenkey import depends_on_flags
from app.wire.imap.parse.fetch import FetchItem
from app.wire.imap.parse.searchkey import SearchKey
from app.wire.imap.parse.sort import Criterion
from app.wire.imap.respond.search import Placed, ResultChange, Searched, esearch_head, result_changes

MAX_CONTEXTS: Final = 10  # of a session; each looks at every message that changes
MAX_SORTED: Final = 50_000  # results in all sorted contexts of a session, at 200 bytes and the texts they sort by

SeqOf = Callable[[int], int]  # the sequence number of a uid, 0 when the client does not know it
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A search whose result is followed."""

    tag: str
    uid: bool
    key: SearchKey  # frozen
    criteria: tuple[Criterion, ...] = ()  # of SORT
    items: tuple[FetchItem, ...] = ()  # to fetch of new messages that match
    mailbox: Searched | None = None  # with ESEARCH


class Context:
    """One result: what the client was told, and what changed since."""

    __slots__ = ("_added", "_dirty", "_gone", "_needs_flags", "_new", "_removed", "_results", "followed")

    def __init__(self, followed: Followed, untold: Iterable[int]) -> None:
        """`untold` are new messages that the search will not find, as the client does not know them yet."""
        self.followed = followed
        self._results: MailboxOrder | SortedOrder = SortedOrder() if followed.criteria else MailboxOrder()
        self._needs_flags = depends_on_flags(followed.key)
        self._dirty = set(untold)  # to be looked at again
        self._added: set[int] = set()  # match, but the client was not told
        self._removed: set[int] = set()  # were told, and match no more
        self._gone: set[int] = set()  # were told, and are expunged
        self._new = set(untold)  # messages that came since, until they were told

    def begin(self, matches: Sequence[Match], ranks: Iterable[Rank] = ()) -> None:
        """What the search found."""
        if isinstance(self._results, SortedOrder):
            self._results.fill(ranks)
        else:
            self._results = MailboxOrder(match.uid for match in matches)

    @property
    def sorted_count(self) -> int:
        """How many results are kept with what they are sorted by."""
        return len(self._results) if isinstance(self._results, SortedOrder) else 0

    @property
    def is_dirty(self) -> bool:
        """Whether messages have to be looked at again."""
        return bool(self._dirty)

    def changed(self, change: MessageChange, *, is_own: bool) -> None:
        """Hear of a commit, perhaps of the client itself, which need not fetch what it made (RFC 5465 §5.2)."""
        if isinstance(change, MessagesAdded):
            uids = [entry.uid for entry in change.entries]
            self._dirty.update(uids)
            if self.followed.items and not is_own:
                self._new.update(uids)
        elif isinstance(change, FlagsChanged):
            if self._needs_flags:
                self._dirty.update(entry.uid for entry in change.entries)
        else:
            for pending in (self._dirty, self._added, self._removed, self._new):
                pending.difference_update(change.uids)
            self._gone.update(uid for uid in change.uids if uid in self._results)

    def take_dirty(self) -> list[int]:
        """The uids to look at, sorted; they count as looked at."""
        dirty, self._dirty = self._dirty, set()
        return sorted(dirty)

    def put_back(self, uids: Iterable[int]) -> None:
        """They could not be looked at."""
        self._dirty.update(uids)

    def judged(self, uids: Iterable[int], matches: Iterable[Match], ranks: Iterable[Rank]) -> None:
        """Of these uids, these match."""
        if isinstance(self._results, SortedOrder):
            self._results.know(ranks)
        matching = {match.uid for match in matches}
        for uid in uids:
            is_told = uid in self._results
            (self._added.discard if is_told or uid not in matching else self._added.add)(uid)
            is_over = is_told and uid not in matching and uid not in self._gone
            (self._removed.add if is_over else self._removed.discard)(uid)

    def write_gone(self, seq_of: SeqOf, *, utf8: bool) -> bytes:
        """Tell of expunged results, while their sequence numbers are right (RFC 5267 §4.3.4)."""
        return self._write(ResultChange.REMOVEFROM, _take(self._gone), seq_of, utf8=utf8)

    def write_changes(self, seq_of: SeqOf, *, utf8: bool) -> bytes:
        """Tell of results that match no more, and of new ones that the client knows the messages of."""
        added = {uid for uid in self._added if seq_of(uid)}
        self._added -= added
        lines = self._write(ResultChange.REMOVEFROM, _take(self._removed), seq_of, utf8=utf8)
        return lines + self._write(ResultChange.ADDTO, sorted(added), seq_of, utf8=utf8)

    def take_new(self, seq_of: SeqOf) -> set[int]:
        """New messages that the client was told of and that match: these are to be fetched (RFC 5465 §7)."""
        known = {uid for uid in self._new - self._dirty if seq_of(uid)}
        self._new -= known
        return {uid for uid in known if uid in self._results} if self.followed.items else set()

    def _write(self, change: ResultChange, uids: Sequence[int], seq_of: SeqOf, *, utf8: bool) -> bytes:
        if not uids:
            return b""
        steps = self._results.add(uids) if change is ResultChange.ADDTO else self._results.remove(uids)
        followed = self.followed
        if not followed.uid:
            steps = [Placed(step.position, [seq_of(uid) for uid in step.numbers]) for step in steps]
        head = esearch_head(followed.tag, uid=followed.uid, mailbox=followed.mailbox, utf8=utf8)
        return result_changes(head, change, steps)


def _take(uids: set[int]) -> list[int]:
    taken = sorted(uids)
    uids.clear()
    return taken


class Contexts:
    """All contexts of a session; they end with the selection of the mailbox."""

    __slots__ = ("_account", "_contexts", "_mailbox_id")

    def __init__(self, account: Account, mailbox_id: int) -> None:
        self._account = account
        self._mailbox_id = mailbox_id
        self._contexts: dict[str, Context] = {}

    def __contains__(self, tag: object) -> bool:
        return tag in self._contexts

    def __len__(self) -> int:
        return len(self._contexts)

    def open(self, followed: Followed, untold: Iterable[int]) -> Context:
        """Begin to collect changes for a search that is about to run."""
        context = self._contexts[followed.tag] = Context(followed, untold)
        return context

    def close(self, tag: str) -> None:
        """Follow it no more."""
        self._contexts.pop(tag, None)

    @property
    def sorted_count(self) -> int:
        """How many results of sorted contexts there are."""
        return sum(context.sorted_count for context in self._contexts.values())

    @property
    def is_dirty(self) -> bool:
        """Whether `refresh` has something to do."""
        return any(context.is_dirty for context in self._contexts.values())

    def changed(self, change: MessageChange, *, is_own: bool) -> None:
        """Hear of a commit."""
        for context in self._contexts.values():
            context.changed(change, is_own=is_own)

    async def refresh(self) -> None:
        """Look at what changed. What changes meanwhile waits for the next time."""
        works = [(context, context.take_dirty()) for context in self._contexts.values() if context.is_dirty]
        mailbox_id, msg_dir = self._mailbox_id, self._account.directory / "msg"
        jobs = [_Job(mailbox_id, msg_dir, context.followed, uids) for context, uids in works]
        try:
            found = await self._account.read(lambda db: [job.look(db) for job in jobs])
        except BaseException:
            for context, uids in works:
                context.put_back(uids)
            raise
        for (context, uids), (matches, ranks) in zip(works, found, strict=True):
            context.judged(uids, matches, ranks)

    def write_gone(self, seq_of: SeqOf, *, utf8: bool) -> bytes:
        """Before EXPUNGE."""
        return b"".join([context.write_gone(seq_of, utf8=utf8) for context in self._contexts.values()])

    def write_changes(self, seq_of: SeqOf, *, utf8: bool) -> bytes:
        """After EXISTS and FETCH (RFC 5465 §5.1, §5.2)."""
        return b"".join([context.write_changes(seq_of, utf8=utf8) for context in self._contexts.values()])

    def take_new(self, seq_of: SeqOf) -> dict[int, tuple[FetchItem, ...]]:
        """New messages, and what is to be fetched of them."""
        wanted: dict[int, tuple[FetchItem, ...]] = {}
        for context in self._contexts.values():
            for uid in context.take_new(seq_of):
                wanted[uid] = (*wanted.get(uid, ()), *context.followed.items)
        return wanted


@dataclass(frozen=True, slots=True)
class _Job:
    """Messages that one context has to look at again."""

    mailbox_id: int
    msg_dir: Path
    followed: Followed
    uids: list[int]

    def look(self, db: sqlite3.Connection) -> tuple[list[Match], list[Rank]]:
        """Which of them match, and what these are sorted by."""
        search = Search(mailbox_id=self.mailbox_id, key=self.followed.key, view=self.uids)
        matches = find_matches(db, self.msg_dir, search)
        if not self.followed.criteria:
            return matches, []
        return matches, rank_matches(db, self.msg_dir, self.mailbox_id, matches, self.followed.criteria)
