"""The queue on disk: outgoing messages, one row per recipient, and what became of each attempt.

    queue = QueueDb.open(data_dir)
    ids = await queue.add(NewMessage(...))      # durable when it returns: the submitter may be told 250
    taken = await queue.begin(ids, plan)        # an attempt is on disk before it starts ...
    await queue.finish([Finished(...)])         # ... and its result and the removal are one transaction

Bodies up to 256 KiB are rows; a larger one is a file `queue/msg/ID`, durable before the commit that names it, and
removed after the commit that ends it. Files that nothing refers to are removed at `open`, and recipients whose
attempt a crash interrupted are due again soon, but only twice, so that a message which crashes us does not do so in a
loop.

`changed` is called on the event loop after every commit that may make a recipient due. Raises `Temporary` when the disk
does not take it. SQL for the tables message, recipient, body and attempt is here, in `queueadding`, `queueattempts`
and `queuelisting`, and nowhere else.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.errors import StoreError
from app.store import milestones, queueadding, queueattempts, queuelisting, submitted
from app.store.filehold import removal
from app.store.holdrules import HoldRules
from app.store.integrity import require_kept
from app.store.messagefate import Fate, fate
from app.store.milestones import Milestones
from app.store.queuelisting import After, Listing, Order, Row, Stuck
from app.store.queuerecords import (
    Attempt,
    Finished,
    NewMessage,
    Queued,
    QueueFilter,
)
from app.store.queuerows import ATTEMPT_COLUMNS, COLUMNS, FROM, attempt, condition, queued
from app.store.queueschema import MIGRATIONS
from app.store.retired import RetiredMail
from app.store.sqlite import Database
from app.store.submitted import SendLimits
from app.store.suppressions import Suppressions

SOON_S = 10.0  # when an interrupted attempt is repeated
SOON_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a queued message, in two parts."""

    prefix: bytes
    body: bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Due:
    """A recipient whose time has come."""

    id: int
    domain: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """Recipients that are due, and the time of the earliest that is not yet; None when nothing else waits."""

    due: list[Due]
    next_due: float | None


class QueueDb:
    """The open database of the queue."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        directory = data_dir / "queue"
        self.msg_dir = directory / "msg"
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        require_kept(directory / "index.db", self.msg_dir)
        self.changed: Callable[[], None] = lambda: None
        self._clock = clock
        self._unremoved: list[Path] = []
        self._db = Database(directory / "index.db", MIGRATIONS)
        self.msg_dir.mkdir(exist_ok=True, mode=0o750)  # now there is a database, and it must stay
        self.hold_rules = HoldRules(self._db)
        self.retired = RetiredMail(self._db)
        self.suppressions = Suppressions(self._db, clock)

    @classmethod
    def open(cls, data_dir: Path, clock: Clock = SYSTEM) -> QueueDb:
        """The queue of a data directory, tidied after a crash."""
        queue = cls(data_dir, clock)
        known = queue._db.write_now(lambda db: _resume(db, clock.now()))
        queue._remove(path for path in queue.msg_dir.iterdir() if path.name not in known)
        return queue

    def close(self) -> None:
        """Finish what was submitted and close."""
        self._db.close()

    async def add(self, new: NewMessage, limits: SendLimits | None = None) -> list[int]:
        """Queue a message; the numbers of its recipients, in their order. It is durable when this returns.

        With `limits` it counts as sent by its account; raises SendLimitReached.
        """
        now = self._clock.now()
        return await self._db.write(lambda db: self._insert(db, new, now, limits), lambda ids: self.changed())

    async def find(self, which: QueueFilter) -> list[Queued]:
        """The recipients that match."""
        where, values = condition(which)
        order = "ASC" if which.oldest_first else "DESC"
        limit = f"LIMIT {which.limit}" if which.limit else ""
        sql = f"SELECT {COLUMNS} {FROM} WHERE {where} ORDER BY r.next_attempt {order}, r.id {order} {limit}"
        return await self._db.read(lambda db: [queued(row) for row in db.execute(sql, values)])

    async def look_over(self, which: QueueFilter, order: Order, after: After | None, limit: int) -> Listing:
        """A page of the recipients that match, for people."""
        return await self._db.read(lambda db: queuelisting.listing(db, which, order, after, limit))

    async def some(self, which: QueueFilter, order: Order, after: After | None, limit: int) -> Sequence[Row]:
        """The same without counting all that match."""
        return await self._db.read(lambda db: queuelisting.some(db, which, order, after, limit))

    async def stuck(self, attempts: int, limit: int) -> Sequence[Stuck]:
        """The domains where the most recipients wait after that many attempts."""
        return await self._db.read(lambda db: queuelisting.stuck(db, attempts, limit))

    async def milestones(self) -> Milestones:
        """What was done for the first time."""
        return await self._db.read(milestones.milestones)

    async def fate(self, message_id: str) -> Fate:
        """What became of a message."""
        return await self._db.read(lambda db: fate(db, message_id))

    async def wrote_to(self, account: str, names: Sequence[str]) -> frozenset[str]:
        """To which of these addresses, or to whom at which of these domains, the account has written."""
        return await self._db.read(lambda db: submitted.wrote_to(db, account, names))

    async def attempts(self, recipient_id: int) -> list[Attempt]:
        """The attempts that have ended, first to last."""
        sql = f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE recipient = ? ORDER BY id"
        return await self._db.read(lambda db: [attempt(row) for row in db.execute(sql, (recipient_id,))])

    async def dialogue(self, recipient_id: int, attempt_id: int) -> str | None:
        """What was said in an attempt for the recipient; None when there is no such attempt, or nothing was said."""
        return await self._db.read(lambda db: queueattempts.dialogue(db, recipient_id, attempt_id))

    async def content(self, base_id: int) -> Content:
        """The bytes of a message."""
        return await self._db.read(lambda db: self._load(db, base_id))

    async def hold(self, which: QueueFilter, hold: bool) -> int:
        """Stop or resume attempts; how many recipients that changed."""
        return await self._update(which, "hold = ?", hold)

    async def schedule(self, which: QueueFilter, when: float) -> int:
        """Set the time of the next attempt."""
        return await self._update(which, "next_attempt = ?", when)

    async def postpone(self, which: QueueFilter, seconds: float) -> int:
        """Move the next attempt by some seconds, later or sooner."""
        return await self._update(which, "next_attempt = next_attempt + ?", seconds)

    async def set_transport(self, which: QueueFilter, transport: str) -> int:
        """Pin a transport; "" goes by the routes again."""
        return await self._update(which, "transport = ?", transport)

    async def set_require_tls(self, which: QueueFilter, require_tls: bool | None) -> int:
        """Change what is demanded of TLS."""
        return await self._update(which, "require_tls = ?", require_tls)

    async def fail(self, which: QueueFilter) -> int:
        """Give up now, with a notification to the sender; the dispatcher does it."""
        return await self._update(which, "fail_now = 1, hold = 0, next_attempt = ?", self._clock.now())

    async def drop(self, which: QueueFilter) -> int:
        """Remove without telling anybody."""
        count, files = await self._db.write(lambda db: self._drop(db, which))
        self._remove(files)
        return count

    async def look(self, without: Iterable[str], limit: int) -> Outlook:
        """What is due now, longest due first, leaving out the given domains; and when the next will be."""
        busy, now = list(without), self._clock.now()  # here, not in the reader's thread
        return await self._db.read(lambda db: _look(db, now, busy, limit))

    async def by_turns(self, domain: str, limit: int) -> list[int]:
        """What is due for a domain, the longest due of each sender first, then the second of each, and so on.

        Goes through all that is due for the domain.
        """
        now = self._clock.now()
        return await self._db.read(lambda db: _by_turns(db, domain, now, limit))

    async def held(self) -> int:
        """How many recipients are on hold."""
        sql = "SELECT count(*) FROM recipient WHERE hold = 1"
        return await self._db.read(lambda db: int(db.execute(sql).fetchone()[0]))

    async def forget_retired(self) -> None:
        """Remove retired recipients that were kept long enough, and what was submitted too long ago to count."""
        now = self._clock.now()
        await self._db.write(lambda db: queueattempts.forget_retired(db, now))

    async def begin(self, ids: Sequence[int], backoff: Callable[[int], float]) -> list[Queued]:
        """Count an attempt for each recipient that is still due; `backoff(attempts so far)` plans the next, in seconds.

        The rows are returned as they are now, with the new attempt counted.
        """
        now = self._clock.now()
        return await self._db.write(lambda db: queueattempts.begin(db, ids, now, backoff))

    async def release(self, ids: Sequence[int]) -> None:
        """Undo `begin` for recipients that were not attempted after all, as when we are stopping."""
        sql = "UPDATE recipient SET attempts = attempts - 1, attempting = 0, next_attempt = ? WHERE id = ?"
        now = self._clock.now()
        await self._db.write(lambda db: db.executemany(sql, [(now, number) for number in ids]))

    async def finish(self, results: Sequence[Finished]) -> None:
        """Write down results and remove who is done, in one transaction."""
        ended = await self._db.write(lambda db: queueattempts.finish(db, results))
        self._remove(self.msg_dir / str(base_id) for base_id in ended)

    async def has_copy(self, base_id: int) -> bool:
        """Whether a forwarded message is in its account."""
        sql = "SELECT has_copy FROM message WHERE id = ?"
        return await self._db.read(lambda db: bool(db.execute(sql, (base_id,)).fetchone()[0]))

    async def mark_copied(self, base_id: int) -> None:
        """A forwarded message is in its account now."""
        await self._db.write(lambda db: db.execute("UPDATE message SET has_copy = 1 WHERE id = ?", (base_id,)))

    def _insert(self, db: sqlite3.Connection, new: NewMessage, now: float, limits: SendLimits | None) -> list[int]:
        if limits is not None:
            submitted.record(db, new, limits, now)
        return queueadding.insert(db, self.msg_dir, new, now)

    def _remove(self, files: Iterable[Path]) -> None:
        """Remove files that no row has; later, when a backup goes through them now."""
        self._unremoved += files
        if not self._unremoved:
            return
        with removal(self.msg_dir.parent) as is_allowed:
            while is_allowed and self._unremoved:
                self._unremoved.pop().unlink(missing_ok=True)

    def _load(self, db: sqlite3.Connection, base_id: int) -> Content:
        sql = "SELECT m.prefix, b.data FROM message m LEFT JOIN body b ON b.message = m.id WHERE m.id = ?"
        row = db.execute(sql, (base_id,)).fetchone()
        if row is None:
            raise StoreError(f"message {base_id} is not in the queue")
        if row[1] is not None:
            return Content(row[0], row[1])
        with (self.msg_dir / str(base_id)).open("rb") as file:
            return Content(row[0], mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    async def _update(self, which: QueueFilter, assignment: str, value: object) -> int:
        where, values = condition(which)
        limit = f"LIMIT {which.limit}" if which.limit else ""
        sql = f"""UPDATE recipient SET {assignment} WHERE id IN
            (SELECT r.id {FROM} WHERE {where} ORDER BY r.next_attempt, r.id {limit})"""
        return await self._db.write(lambda db: db.execute(sql, (value, *values)).rowcount, lambda count: self.changed())

    def _drop(self, db: sqlite3.Connection, which: QueueFilter) -> tuple[int, list[Path]]:
        where, values = condition(which)
        limit = f"LIMIT {which.limit}" if which.limit else ""
        sql = f"SELECT r.id, r.base_id {FROM} WHERE {where} ORDER BY r.next_attempt, r.id {limit}"
        rows = db.execute(sql, values).fetchall()
        files = []
        for recipient_id, base_id in rows:
            db.execute("DELETE FROM attempt WHERE recipient = ?", (recipient_id,))
            if queueattempts.forget(db, recipient_id, base_id):
                files.append(self.msg_dir / str(base_id))
        return len(rows), files


def _resume(db: sqlite3.Connection, now: float) -> set[str]:
    """Make interrupted attempts due soon; the names of all files that must be kept."""
    db.execute(
        "UPDATE recipient SET next_attempt = min(next_attempt, ?) WHERE attempting = 1 AND attempts <= ?",
        (now + SOON_S, SOON_ATTEMPTS),
    )
    db.execute("UPDATE recipient SET attempting = 0 WHERE attempting = 1")
    sql = "SELECT id FROM message WHERE id NOT IN (SELECT message FROM body)"
    return {str(row[0]) for row in db.execute(sql)}


def _look(db: sqlite3.Connection, now: float, without: list[str], limit: int) -> Outlook:
    sql = f"""SELECT id, domain FROM recipient WHERE hold = 0 AND next_attempt <= ?
        AND domain NOT IN ({",".join("?" * len(without))}) ORDER BY next_attempt, id LIMIT ?"""
    due = [Due(row[0], row[1]) for row in db.execute(sql, (now, *without, limit))]
    sql = "SELECT min(next_attempt) FROM recipient WHERE hold = 0 AND next_attempt > ?"
    (next_due,) = db.execute(sql, (now,)).fetchone()
    return Outlook(due, next_due)


def _by_turns(db: sqlite3.Connection, domain: str, now: float, limit: int) -> list[int]:
    sql = """SELECT id FROM (
        SELECT r.id, r.next_attempt, row_number() OVER (
            PARTITION BY m.sender_account ORDER BY r.next_attempt, r.id) AS turn
        FROM recipient r JOIN message m ON m.id = r.base_id
        WHERE r.hold = 0 AND r.next_attempt <= ? AND r.domain = ?)
        ORDER BY turn, next_attempt, id LIMIT ?"""
    return [number for (number,) in db.execute(sql, (now, domain, limit))]
