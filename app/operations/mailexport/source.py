"""The mailboxes and messages of an account, as an export reads them: in order, a batch at a time.

What is expunged while an export goes on is left out, what comes meanwhile too. An account that is open in this process
or one that is only read from disk are the same here.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from app.errors import NoSuchMailbox, StoreError
from app.store.account import mailboxes, messages
from app.store.account.reader import MessageBytes, read_message, ready_rows
from app.store.account.records import Mailbox
from app.wire.imap.flags import keyword_names
from app.wire.imap.mailboxname import INBOX, SEPARATOR

T = TypeVar("T")

BATCH: Final = 200  # rows
MAX_NAMED: Final = 20  # mailboxes, in words for a person
MAX_FAULTS: Final = 10_000
_COLUMNS: Final = ("flags", "keywords", "internaldate", "content_id")


class Source(Protocol):
    """An account that can be read."""

    directory: Path

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` on one consistent state; blocks."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message with what its mailbox says of it."""

    uid: int
    flags: int
    keywords: str  # that have no bit, separated by spaces
    internaldate: int
    content: MessageBytes


@dataclass(slots=True)
class Tally:
    """How far an export is, and what could not be exported; changes meanwhile."""

    expected: int = 0
    done: int = 0
    unread: int = 0  # of those that are done
    mailbox: str = ""
    fault_count: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        """Messages that came out; of those that are done, some could not be read."""
        return self.done - self.unread

    def fail(self, text: str) -> None:
        """Something is missing."""
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(text)


def choose(source: Source, name: str = "", *, is_single: bool = False) -> list[Mailbox]:
    """All mailboxes, or one with what is below it unless `is_single`; raises NoSuchMailbox."""
    rows = source.read_now(mailboxes.all_mailboxes)
    if not name:
        return rows
    wanted = INBOX if name.lower() == INBOX.lower() else name
    found = [row for row in rows if row.name == wanted]
    if not found:
        more = f" and {len(rows) - MAX_NAMED} more" if len(rows) > MAX_NAMED else ""
        known = ", ".join(row.name for row in rows[:MAX_NAMED])
        raise NoSuchMailbox(f"there is no mailbox {name!r}; there are {known}{more}")
    below = [] if is_single else [row for row in rows if row.name.startswith(wanted + SEPARATOR)]
    return found + below


def keywords_of(source: Source, mailbox: Mailbox) -> list[str]:
    """The words that its messages have as keywords, those with a bit too, the most frequent first."""
    sql = "SELECT flags, keywords, count(*) FROM message WHERE mailbox_id = ? GROUP BY flags, keywords"
    rows = source.read_now(lambda db: db.execute(sql, (mailbox.id,)).fetchall())
    counts: dict[str, int] = {}
    for flags, keywords, count in rows:
        for word in keyword_names(flags, keywords).split():
            counts[word] = counts.get(word, 0) + count
    return sorted(counts, key=lambda word: (-counts[word], word))


def read_mailbox(
    source: Source, mailbox: Mailbox, tally: Tally, only: Collection[int] | None = None
) -> Iterator[Outgoing]:
    """Its messages by uid; of them `only` those with these uids."""
    uids = source.read_now(lambda db: array("I", messages.all_uids(db, mailbox.id)))
    if only is not None:
        uids = array("I", [uid for uid in uids if uid in only])
    tally.mailbox = mailbox.name
    for start in range(0, len(uids), BATCH):
        for uid, flags, keywords, internaldate, content_id in _rows(source, mailbox.id, uids[start : start + BATCH]):
            content = _content(source, content_id, f"{mailbox.name}, message {uid}", tally)
            tally.done += 1
            if content is None:
                tally.unread += 1
            else:
                yield Outgoing(uid, flags, keywords, internaldate, content)


def _rows(source: Source, mailbox_id: int, uids: Sequence[int]) -> list[tuple[int, int, str, int, int]]:
    return source.read_now(lambda db: ready_rows(db, mailbox_id, uids, _COLUMNS))  # type: ignore[arg-type, return-value]


def _content(source: Source, content_id: int, where: str, tally: Tally) -> MessageBytes | None:
    try:
        return source.read_now(lambda db: read_message(db, source.directory / "msg", content_id))
    except StoreError as error:
        if _is_there(source, content_id):  # else it was erased between the row and its file
            tally.fail(f"{where}: {error}")
        return None


def _is_there(source: Source, content_id: int) -> bool:
    sql = "SELECT 1 FROM message WHERE content_id = ?"
    return source.read_now(lambda db: db.execute(sql, (content_id,)).fetchone()) is not None
