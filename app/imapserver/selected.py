"""The mailbox a session has selected: what its client knows, and what it must still be told.

Sequence numbers are positions in `uids`, which is the client's view and changes only when the client is told. The flags
come from the index that all sessions of the account share, so they are always current; a change of flags only has to be
mentioned. Pending news are kept per uid, so they never outgrow the mailbox however long a client is silent. What the
index had seen when the mailbox was selected is no news, even when it is told only afterwards.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from app.imapserver.contexts import Contexts
from app.store.account.changes import Change, Entry, FlagsChanged, MailboxDeleted, MessagesAdded, MessagesExpunged
from app.store.account.handle import Account
from app.store.account.indexes import MailboxIndex, spans_of, without
from app.store.account.records import Mailbox

MANY = 1000  # messages that left at once; as columns they are kept in less time than one by one

_keywords_of = attrgetter("keywords")


class Selected:
    """One selected mailbox of one session. It listens to the account while it is open."""

    __slots__ = (
        "_departed",
        "_departed_many",
        "_expunged",
        "_fetches_new",
        "_flags",
        "_flags_again",
        "_fresh",
        "_modseq",
        "_new",
        "_since",
        "account",
        "contexts",
        "gone",
        "has_new_keywords",
        "index",
        "keywords",
        "mailbox",
        "on_change",
        "owner",
        "read_only",
        "search_result",
        "uids",
    )

    def __init__(self, account: Account, mailbox: Mailbox, index: MailboxIndex, read_only: bool) -> None:
        self.account = account
        self.mailbox = mailbox
        self.index = index
        self.read_only = read_only
        self.uids = array("I", index.uids)
        self.gone = False  # the mailbox was deleted by somebody
        self.search_result: array[int] = array("I")  # uids saved by SEARCH RETURN (SAVE), "$" (RFC 5182)
        self.owner: object = None  # whose changes are the client's own
        self.on_change: Callable[[], None] | None = None
        self.contexts: Contexts | None = None  # results that are kept up to date
        self.keywords = set(mailbox.keywords.split())  # used in the mailbox
        self.has_new_keywords = False  # of which the client was not told
        self._since = index.modseq
        self._modseq = min(mailbox.modseq, index.modseq)  # up to which `uids` and the news are complete
        self._fetches_new = False
        self._new: list[int] = []
        self._fresh: set[int] = set()  # new messages of others, until more was told of them
        self._flags: dict[int, int] = {}  # uid to the modseq of the last change that is to be told
        self._flags_again: set[int] = set()  # those of them that were changed more than once
        self._expunged: dict[int, int] = {}
        self._departed: dict[int, Entry] = {}
        self._departed_many: list[MailboxIndex] = []  # one for each time that many went at once

    def open(self) -> None:
        """Begin to hear of changes."""
        self.account.listeners.add(self)
        self.account.eraser.readers.add(self)

    def close(self) -> None:
        """End it."""
        self.account.listeners.discard(self)
        self.account.eraser.readers.discard(self)
        self.account.eraser.kick()

    # What the client knows.

    def seq_of(self, uid: int) -> int:
        """The sequence number of a uid, or 0 when the client does not know it."""
        place = bisect_left(self.uids, uid)
        return place + 1 if place < len(self.uids) and self.uids[place] == uid else 0

    def entry(self, uid: int) -> Entry | None:
        """A message as it is now; one that is gone and was not told yet as it last was."""
        return self.index.entry(uid) or self._departed_entry(uid)

    def _departed_entry(self, uid: int) -> Entry | None:
        if (entry := self._departed.get(uid)) is not None:
            return entry
        return next((entry for part in self._departed_many if (entry := part.entry(uid)) is not None), None)

    def highest_modseq(self) -> int:
        """Up to which change the client's view may be taken as complete (RFC 7162 §3.1.2.1)."""
        untold = self.oldest_untold()
        return self._modseq if untold is None else untold - 1

    def is_expunged(self, uid: int) -> bool:
        """Whether the message is gone while the client does not know yet."""
        return uid in self._expunged

    # What is to be told.

    def changed(self, changes: list[Change]) -> None:
        """Hear of a commit."""
        mailbox_id, since = self.mailbox.id, self._since
        mine = [c for c in changes if getattr(c, "mailbox_id", None) == mailbox_id and c.modseq > since]
        for change in mine:
            self._modseq = change.modseq
            if isinstance(change, MessagesAdded):
                self._note_new(change)
                self._note_keywords(change.entries)
            elif isinstance(change, FlagsChanged):
                self._note_flags(change)
                self._note_keywords(change.entries)
            elif isinstance(change, MessagesExpunged):
                self._note_expunged(change)
            elif isinstance(change, MailboxDeleted):
                self.gone = True
            if self.contexts is not None and isinstance(change, MessagesAdded | FlagsChanged | MessagesExpunged):
                self.contexts.changed(change, is_own=self.account.origin is self.owner)
        if mine and self.on_change is not None:
            self.on_change()

    def follow_new(self, *, fetches_new: bool) -> None:
        """Whether more is to be told of new messages than that they are there."""
        self._fetches_new = fetches_new
        if not fetches_new:
            self._fresh.clear()

    def _note_new(self, change: MessagesAdded) -> None:
        uids = [entry.uid for entry in change.entries]
        self._new.extend(uids)
        if self._fetches_new and self.account.origin is not self.owner:  # RFC 5465 §5
            self._fresh.update(uids)

    def _note_flags(self, change: FlagsChanged) -> None:
        changed = [entry.uid for entry in change.entries]
        if self._flags:
            self._flags_again.update(self._flags.keys() & set(changed))
        self._flags.update(dict.fromkeys(changed, change.modseq))

    def _note_keywords(self, entries: Sequence[Entry]) -> None:
        for keywords in set(map(_keywords_of, entries)):
            if keywords and not self.keywords.issuperset(words := keywords.split()):
                self.keywords.update(words)
                self.has_new_keywords = True

    def _note_expunged(self, change: MessagesExpunged) -> None:
        new = set(self._new)
        untold = new.intersection(change.uids)
        if untold:  # never told of, so nothing to take back
            self._new = [uid for uid in self._new if uid not in untold]
        if self._fresh:
            self._fresh.difference_update(change.uids)
        if self._flags:
            for uid in self._flags.keys() & set(change.uids):
                del self._flags[uid]
        known = [uid for uid in change.uids if uid not in untold] if untold else change.uids
        self._expunged.update(dict.fromkeys(known, change.modseq))
        if len(known) > MANY:
            self._departed_many.append(self.index.part(known))
        else:
            self._departed.update((uid, entry) for uid in known if (entry := self.index.entry(uid)) is not None)

    def oldest_untold(self) -> int | None:
        """The modseq of the first removal the client was not told of (see store/account/erasing.py)."""
        return min(self._expunged.values()) if self._expunged else None

    def untold_new(self) -> list[int]:
        """New messages that the client was not told of."""
        return list(self._new)

    def has_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._new or self._flags or self._expunged or self.has_new_keywords)

    @property
    def has_fresh(self) -> bool:
        """Whether more is to be told of new messages."""
        return bool(self._fresh)

    def take_fresh(self) -> list[int]:
        """The new messages in the client's view of which more is to be told, sorted."""
        known = sorted(uid for uid in self._fresh if self.seq_of(uid))
        self._fresh.difference_update(known)
        return known

    def take_expunged(self) -> tuple[list[int], list[int]]:
        """Forget the removed messages; returns their uids, sorted, and the sequence numbers each has at its turn when
        they are told from the highest down."""
        if not self._expunged:
            return [], []
        spans = spans_of(self.uids, sorted(self._expunged))
        self._expunged.clear()
        self._departed.clear()
        self._departed_many.clear()
        uids = [uid for start, end in spans for uid in self.uids[start:end]]
        self.uids = without(self.uids, spans)
        self.search_result = without(self.search_result, spans_of(self.search_result, uids))
        self.account.eraser.kick()
        return uids, [seq for start, end in reversed(spans) for seq in range(end, start, -1)]

    def has_counts(self, *, may_expunge: bool) -> bool:
        """Whether there is anything to tell of what came, or what left where that may be told."""
        return bool(self._new or self.has_new_keywords or (may_expunge and self._expunged))

    @property
    def has_flags(self) -> bool:
        """Whether there are changed flags to tell."""
        return bool(self._flags)

    def take_new(self) -> int:
        """Take new messages into the client's view; returns how many."""
        count = len(self._new)
        self.uids.extend(self._new)
        self._new.clear()
        return count

    def take_flags(self) -> list[int]:
        """The uids in the client's view whose flags it must be told, sorted; those of messages that it does not know
        yet are told with the message."""
        known = sorted(uid for uid in self._flags if self.seq_of(uid))
        self._flags.clear()
        self._flags_again.clear()
        return known

    def told_flags(self, uids: Iterable[int], modseq: int) -> None:
        """The client was told of these by other means, up to that modseq."""
        for uid in uids:
            if self._flags.get(uid, modseq + 1) <= modseq:
                del self._flags[uid]
                self._flags_again.discard(uid)

    def knows_own_change(self, uids: Iterable[int], modseq: int) -> None:
        """The client made the change with that modseq; what others changed in these messages is still to be told."""
        for uid in uids:
            if self._flags.get(uid) == modseq and uid not in self._flags_again:
                del self._flags[uid]

    def take_new_keywords(self) -> str | None:
        """All keywords when the client must be told of new ones."""
        if not self.has_new_keywords:
            return None
        self.has_new_keywords = False
        return " ".join(sorted(self.keywords))
