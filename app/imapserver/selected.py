"""The mailbox a session has selected: what its client knows, and what it must still be told.

Sequence numbers are positions in `uids`, which is the client's view and changes only when the client is told. The flags
come from the index that all sessions of the account share, so they are always current; a change of flags only has to be
mentioned. Pending news are kept per uid, so they never outgrow the mailbox however long a client is silent.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from app.store.account.changes import Change, Entry, FlagsChanged, MailboxDeleted, MessagesAdded, MessagesExpunged
from app.store.account.handle import Account
from app.store.account.indexes import MailboxIndex
from app.store.account.records import Mailbox


class Selected:
    """One selected mailbox of one session. It listens to the account while it is open."""

    __slots__ = (
        "_departed",
        "_expunged",
        "_flags",
        "_modseq",
        "_new",
        "account",
        "gone",
        "index",
        "mailbox",
        "on_change",
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
        self.on_change: Callable[[], None] | None = None
        self._modseq = 0  # of the last change of the mailbox that we heard of
        self._new: list[int] = []
        self._flags: dict[int, int] = {}  # uid to the modseq of the change that is to be told
        self._expunged: dict[int, int] = {}
        self._departed: dict[int, Entry] = {}

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
        return self.index.entry(uid) or self._departed.get(uid)

    def highest_modseq(self) -> int:
        """Up to which change the client's view may be taken as complete (RFC 7162 §3.1.2.1)."""
        return max(self.mailbox.modseq, self._modseq)

    def is_expunged(self, uid: int) -> bool:
        """Whether the message is gone while the client does not know yet."""
        return uid in self._expunged

    # What is to be told.

    def changed(self, changes: list[Change]) -> None:
        """Hear of a commit."""
        mine = [change for change in changes if getattr(change, "mailbox_id", None) == self.mailbox.id]
        for change in mine:
            self._modseq = change.modseq
            if isinstance(change, MessagesAdded):
                self._new.extend(entry.uid for entry in change.entries)
            elif isinstance(change, FlagsChanged):
                self._flags.update((entry.uid, change.modseq) for entry in change.entries)
            elif isinstance(change, MessagesExpunged):
                self._note_expunged(change)
            elif isinstance(change, MailboxDeleted):
                self.gone = True
        if mine and self.on_change is not None:
            self.on_change()

    def _note_expunged(self, change: MessagesExpunged) -> None:
        new = set(self._new)
        untold = new.intersection(change.uids)
        if untold:  # never told of, so nothing to take back
            self._new = [uid for uid in self._new if uid not in untold]
        for uid in change.uids:
            self._flags.pop(uid, None)
            if uid in untold:
                continue
            self._expunged[uid] = change.modseq
            if (entry := self.index.entry(uid)) is not None:
                self._departed[uid] = entry

    def oldest_untold(self) -> int | None:
        """The modseq of the first removal the client was not told of (see store/account/erasing.py)."""
        return min(self._expunged.values()) if self._expunged else None

    def has_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._new or self._flags or self._expunged)

    def take_expunged(self) -> tuple[list[int], list[int]]:
        """Forget the removed messages; returns their uids, sorted, and the sequence numbers each has at its turn when
        they are told from the highest down."""
        uids = sorted(uid for uid in self._expunged if self.seq_of(uid))
        self._expunged.clear()
        self._departed.clear()
        seqs = [self.seq_of(uid) for uid in uids]
        if uids:
            self._remove(uids)
            self.account.eraser.kick()
        return uids, seqs[::-1]

    def _remove(self, uids: Sequence[int]) -> None:
        if len(uids) < 8:
            for uid in reversed(uids):
                del self.uids[bisect_left(self.uids, uid)]
        else:
            gone = set(uids)
            self.uids = array("I", [uid for uid in self.uids if uid not in gone])
        if self.search_result:
            gone = set(uids)
            self.search_result = array("I", [uid for uid in self.search_result if uid not in gone])

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
        return known

    def told_flags(self, uids: Iterable[int], modseq: int) -> None:
        """The client was told of these by other means, up to that modseq."""
        for uid in uids:
            if self._flags.get(uid, modseq + 1) <= modseq:
                del self._flags[uid]
