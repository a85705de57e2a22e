"""The reference: an account as plain dictionaries, in which every IMAP command is a few obvious lines.

It says what must be there after each command: uids, flags, modseqs, counts, names. A transaction takes one modseq when
it changes anything and none otherwise, as `app/store/account` promises.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

INBOX = "Inbox"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as clients see it."""

    uid: int
    flags: frozenset[str]
    modseq: int


@dataclass(slots=True, eq=False)
class Mailbox:
    """A mailbox; sessions keep it when it is renamed or deleted."""

    name: str
    uidvalidity: int
    modseq: int
    uidnext: int = 1
    messages: dict[int, Message] = field(default_factory=dict)  # by uid, in order
    gone: dict[int, Message] = field(default_factory=dict)  # as they last were, with the modseq of their removal
    is_deleted: bool = False

    def count(self, flag: str) -> int:
        """How many messages have the flag."""
        return sum(flag in message.flags for message in self.messages.values())


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome of STORE: what has the flags now, and what others changed before."""

    entries: list[int]
    modified: list[int]


@dataclass(frozen=True, slots=True)
class Copied:
    """The uids of COPYUID."""

    uidvalidity: int
    sources: list[int]
    targets: list[int]


@dataclass(slots=True)
class Reference:
    """The account."""

    modseq: int
    next_uidvalidity: int
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    subscriptions: set[str] = field(default_factory=set)

    def append(self, box: Mailbox, flags: Iterable[str]) -> int:
        """Add a message; returns its uid."""
        self.modseq += 1
        return self._put(box, frozenset(flags))

    def _put(self, box: Mailbox, flags: frozenset[str]) -> int:
        uid = box.uidnext
        box.messages[uid] = Message(uid, flags, self.modseq)
        box.uidnext, box.modseq = uid + 1, self.modseq
        return uid

    def store(self, box: Mailbox, uids: Iterable[int], mode: str, flags: frozenset[str], limit: int | None) -> Stored:
        """Change flags; what stays as it is keeps its modseq."""
        there = [box.messages[uid] for uid in uids if uid in box.messages]
        modified = [message.uid for message in there if limit is not None and message.modseq > limit]
        entries = [message for message in there if message.uid not in modified]
        changed = [message for message in entries if changed_flags(message.flags, mode, flags) != message.flags]
        if changed:
            self.modseq += 1
            box.modseq = self.modseq
        for message in changed:
            new = changed_flags(message.flags, mode, flags)
            box.messages[message.uid] = Message(message.uid, new, self.modseq)
        return Stored([message.uid for message in entries], modified)

    def expunge(self, box: Mailbox, uids: Iterable[int]) -> list[int]:
        """Remove what is there of these; returns it."""
        removed = [uid for uid in uids if uid in box.messages]
        if removed:
            self.modseq += 1
            self._take_out(box, removed)
        return removed

    def _take_out(self, box: Mailbox, uids: Collection[int]) -> None:
        for uid in uids:
            box.gone[uid] = replace(box.messages.pop(uid), modseq=self.modseq)
        box.modseq = self.modseq

    def copy(self, box: Mailbox, uids: Iterable[int], target: Mailbox) -> Copied:
        """Copy what is there of these."""
        sources = [uid for uid in uids if uid in box.messages]
        if sources:
            self.modseq += 1
        targets = [self._put(target, box.messages[uid].flags) for uid in sources]
        return Copied(target.uidvalidity, sources, targets)

    def move(self, box: Mailbox, uids: Iterable[int], target: Mailbox) -> Copied:
        """Copy and remove with one modseq."""
        copied = self.copy(box, uids, target)
        if copied.sources:
            self._take_out(box, copied.sources)
        return copied

    def create(self, name: str) -> str:
        """Make a mailbox and those above; returns the response code when that is refused, else nothing."""
        if name in self.mailboxes:
            return "ALREADYEXISTS"
        self.modseq += 1
        self._make(name)
        return ""

    def _make(self, name: str) -> None:
        for one in [*above(name), name]:
            if one not in self.mailboxes:
                self.mailboxes[one] = Mailbox(one, self.next_uidvalidity, self.modseq)
                self.next_uidvalidity += 1
                self.subscriptions.add(one)

    def below(self, name: str) -> list[Mailbox]:
        """The mailboxes below a name."""
        return [box for box in self.mailboxes.values() if box.name.startswith(name + "/")]

    def delete(self, name: str) -> str:
        """Remove a mailbox; returns the code of a refusal."""
        if name == INBOX:
            return "CANNOT"
        if name not in self.mailboxes:
            return "NONEXISTENT"
        if self.below(name):
            return "HASCHILDREN"
        self.modseq += 1
        box = self.mailboxes.pop(name)
        box.messages.clear()
        box.is_deleted = True
        return ""

    def rename(self, old: str, new: str) -> str:
        """Rename a mailbox with what is below it, or move the messages of the Inbox; returns the code of a refusal."""
        if old not in self.mailboxes:
            return "NONEXISTENT"
        if new in self.mailboxes:
            return "ALREADYEXISTS"
        if new.startswith(old + "/") and old != INBOX:
            return "CANNOT"
        self.modseq += 1
        if old == INBOX:
            self._rename_inbox(new)
            return ""
        if above(new):
            self._make(above(new)[-1])
        for box in [self.mailboxes[old], *self.below(old)]:
            self._set_name(box, new + box.name[len(old) :])
        return ""

    def _set_name(self, box: Mailbox, name: str) -> None:
        if box.name in self.subscriptions:
            self.subscriptions.remove(box.name)
            self.subscriptions.add(name)
        del self.mailboxes[box.name]
        box.name, box.modseq = name, self.modseq
        self.mailboxes[name] = box

    def _rename_inbox(self, new: str) -> None:
        inbox = self.mailboxes[INBOX]
        self._make(new)
        uids = list(inbox.messages)
        for uid in uids:
            self._put(self.mailboxes[new], inbox.messages[uid].flags)
        if uids:
            self._take_out(inbox, uids)

    def subscribe(self, name: str) -> None:
        """Subscribe."""
        if name not in self.subscriptions:
            self.subscriptions.add(name)
            self.modseq += 1

    def unsubscribe(self, name: str) -> None:
        """End it."""
        if name in self.subscriptions:
            self.subscriptions.remove(name)
            self.modseq += 1


def changed_flags(old: frozenset[str], mode: str, flags: frozenset[str]) -> frozenset[str]:
    """What STORE makes of flags."""
    return flags if mode == "FLAGS" else old | flags if mode == "+FLAGS" else old - flags


def above(name: str) -> list[str]:
    """The names of the mailboxes above."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def canonical(name: str) -> str:
    """The Inbox in its own spelling."""
    return "Inbox" + name[5:] if name.lower().split("/")[0] == "inbox" else name
