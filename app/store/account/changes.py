"""What a transaction changed, as values that are told to sessions after the commit.

Each names the mailbox and the modseq of the transaction. A change is only a hint to look: whoever missed one reads the
database and finds the same by modseq.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as lists of flags show it."""

    uid: int
    flags: int
    keywords: str  # sorted, separated by spaces
    modseq: int


@dataclass(frozen=True, slots=True)
class MessagesAdded:
    """New messages, in the order of their uids, which are above all earlier ones of the mailbox."""

    mailbox_id: int
    modseq: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """Messages with their new flags, in the order of their uids."""

    mailbox_id: int
    modseq: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class MessagesExpunged:
    """Uids that left the mailbox, sorted."""

    mailbox_id: int
    modseq: int
    uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MailboxCreated:
    """A new mailbox."""

    mailbox_id: int
    modseq: int
    name: str


@dataclass(frozen=True, slots=True)
class MailboxDeleted:
    """A mailbox is gone; its messages were expunged with it."""

    mailbox_id: int
    modseq: int
    name: str


@dataclass(frozen=True, slots=True)
class MailboxRenamed:
    """A mailbox has a new name and the same messages."""

    mailbox_id: int
    modseq: int
    old_name: str
    name: str


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """A name was subscribed or unsubscribed; there need be no mailbox of that name."""

    modseq: int
    name: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class AnnotationsChanged:
    """Annotations were set or removed: of a mailbox, or of the account, which has number 0 and no name."""

    mailbox_id: int
    modseq: int
    name: str
    keys: tuple[str, ...]


MessageChange = MessagesAdded | FlagsChanged | MessagesExpunged
MailboxChange = MailboxCreated | MailboxDeleted | MailboxRenamed | SubscriptionChanged
Change = MessageChange | MailboxChange | AnnotationsChanged
