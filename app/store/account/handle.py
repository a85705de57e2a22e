"""An open account: its database, its transactions, and the listeners that are told of changes.

    added = await account.write(lambda tx: messages.add(tx, incoming))
    rows = await account.read(lambda db: messages.rows(db, mailbox_id, ranges))

`write` returns when the change is durable. Changes are told to `listeners` after the commit, in commit order, on the
event loop that wrote. The shared mailbox indexes take them over after that, so that a listener still finds the old
state of what leaves.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.clock import SYSTEM, Clock
from app.config.junksettings import AutomaticJunkFlags
from app.errors import OverQuota, StoreError
from app.store.account.changes import Change
from app.store.account.erasing import Eraser
from app.store.account.indexes import Indexes
from app.store.account.indexing import Indexer
from app.store.account.junktrainer import Trainer
from app.store.account.objectids import read_epoch
from app.store.account.schema import MIGRATIONS
from app.store.integrity import require_kept
from app.store.sqlite import Database

if TYPE_CHECKING:
    from app.store.account.forwards import Plan
    from app.store.account.vacation import Vacation

T = TypeVar("T")

FIRST_MODSEQ = 2

# Whoever makes the changes of the task that runs, for listeners that need not be told what they did themselves.
ORIGIN: ContextVar[object] = ContextVar("origin", default=None)


class Listener(Protocol):
    """Whoever wants to hear of changes: a session, an index."""

    def changed(self, changes: list[Change]) -> None:
        """Called after a commit with all changes of one transaction, in order; must not block or raise."""


class User(Protocol):
    """A connection that is signed in to the account."""

    def leave(self) -> None:
        """Called on the event loop when the account is taken away: say so to the client and hang up."""


class Tx:
    """A transaction on an account: the connection, the modseq it uses, and what it changed."""

    __slots__ = (
        "_modseq",
        "changes",
        "clock",
        "db",
        "junk_flags",
        "msg_dir",
        "placed",
        "quota_bytes",
        "rejects_mailbox",
    )

    def __init__(self, db: sqlite3.Connection, account: Account) -> None:
        self.db = db
        self.changes: list[Change] = []
        self.placed: list[Path] = []  # files of bodies, which go again when the transaction fails
        self.clock = account.clock
        self.msg_dir = account.directory / "msg"
        self.quota_bytes = account.quota_bytes
        self.junk_flags = account.junk_flags
        self.rejects_mailbox = account.rejects_mailbox
        self._modseq = 0

    def modseq(self) -> int:
        """The one modseq of this transaction, taken at the first call."""
        if not self._modseq:
            row = self.db.execute("UPDATE account_state SET modseq = modseq + 1 RETURNING modseq").fetchone()
            self._modseq = int(row[0])
        return self._modseq

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.clock.now())

    def grow(self, size_bytes: int, *, checked: bool = True) -> None:
        """Count `size_bytes` more (or less) for the account; raises OverQuota when it may not hold them."""
        if not size_bytes:
            return
        row = self.db.execute(
            "UPDATE account_state SET size_bytes = size_bytes + ? RETURNING size_bytes", (size_bytes,)
        ).fetchone()
        if checked and size_bytes > 0 and 0 < self.quota_bytes < row[0]:
            raise OverQuota(f"account would hold {row[0]} bytes, {self.quota_bytes} are allowed")


class Account:
    """An account that is open in this process; one object for each, shared by everyone who uses it."""

    def __init__(self, name: str, directory: Path, *, clock: Clock = SYSTEM, quota_bytes: int = 0) -> None:
        """Open the account in `directory`, made when absent; `quota_bytes` of 0 or less is no limit."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.name = name
        self.directory = directory
        self.clock = clock
        self.quota_bytes = quota_bytes
        self.junk_flags: AutomaticJunkFlags | None = None  # set, like the quota, when the configuration changes
        self.rejects_mailbox = ""  # none
        self.vacation: Vacation | None = None  # not read yet
        self.forwards: Mapping[str, Plan] | None = None  # likewise
        self.inboxes: frozenset[str] = frozenset()
        self.unremoved: list[bytes] = []  # keys of erased bodies whose files stay while a backup goes on
        self._placed: list[Path] = []  # files of the group that is being written; the writer thread's
        require_kept(directory / "index.db", directory / "msg")
        self.database = Database(directory / "index.db", MIGRATIONS, settled=self._settled)
        self.indexes = Indexes(self)
        self.eraser = Eraser(self)
        self.indexer = Indexer(self)
        self.trainer = Trainer(self)
        self.listeners: set[Listener] = set()
        self.users: set[User] = set()
        self.origin: object = None  # who made the change that is being told
        self.epoch = self.database.write_now(self._prepare_state)  # of object ids
        self._settle()

    def _settle(self) -> None:
        """Now there is a database, and it must stay: the next opening sees it by the folder of the messages."""
        try:
            (self.directory / "msg").mkdir(exist_ok=True, mode=0o750)
        except OSError as error:
            self.close()
            raise StoreError(f"cannot make the folder of messages in {self.directory}: {error.strerror}") from None

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; returns its result when the change is durable and was told to the listeners."""
        origin = ORIGIN.get()

        def publish(outcome: tuple[T, list[Change]]) -> None:
            self.origin = origin
            self._publish(outcome)
            self.origin = None

        result, _ = await self.database.write(lambda db: self._run(db, fn), publish)
        return result

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        """The same for a caller without an event loop. The listeners are called on the writer thread."""
        result, _ = self.database.write_now(lambda db: self._run(db, fn), self._publish)
        return result

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` on one consistent state of the account."""
        return await self.database.read(fn)

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """The same for a caller without an event loop."""
        return self.database.read_now(fn)

    def close(self) -> None:
        """Finish what was submitted and close the database."""
        self.eraser.close()
        self.indexer.close()
        self.trainer.close()
        self.database.close()

    def _run(self, db: sqlite3.Connection, fn: Callable[[Tx], T]) -> tuple[T, list[Change]]:
        tx = Tx(db, self)
        try:
            result = fn(tx)
        except BaseException:
            _remove(tx.placed)
            raise
        self._placed += tx.placed
        return result, tx.changes

    def _settled(self, is_kept: bool) -> None:
        if not is_kept:
            _remove(self._placed)
        self._placed.clear()

    def _publish(self, outcome: tuple[object, list[Change]]) -> None:
        changes = outcome[1]
        if not changes:
            return
        for listener in tuple(self.listeners):
            listener.changed(changes)
        self.indexes.changed(changes)
        self.eraser.changed(changes)
        self.indexer.changed(changes)
        self.trainer.changed(changes)

    def _prepare_state(self, db: sqlite3.Connection) -> int:
        # Half the seconds since 1970 leaves room for one new mailbox every second for ever, and lets an account that
        # was lost and made again never repeat a uidvalidity (RFC 9051 §2.3.1.1).
        db.execute(
            "INSERT OR IGNORE INTO account_state (id, modseq, next_uidvalidity, size_bytes, epoch)"
            " VALUES (1, ?, ?, 0, ?)",
            (FIRST_MODSEQ - 1, int(self.clock.now()) // 2, int(self.clock.now())),
        )
        return read_epoch(db)


def _remove(paths: list[Path]) -> None:
    """Remove the files of bodies that no row has, so that a full disk or account does not fill up with them."""
    for path in paths:
        with contextlib.suppress(OSError):  # the next opening of the account sweeps
            path.unlink(missing_ok=True)
