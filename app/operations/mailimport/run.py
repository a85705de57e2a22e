"""One import of an archive into an account: a look at it, then batch after batch; the next is read while one is stored.

`Run.go` never raises but for cancellation: what became of the import is in its `Progress`, in words for a person. What
the caller wants to note of how far it came is noted in the transaction of each batch (`Keeping`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import MailError, OverQuota, Refusal
from app.log import logger
from app.operations.archives.member import ArchiveBroken
from app.operations.mailimport import progress
from app.operations.mailimport.archive import Batch, MailArchive
from app.operations.mailimport.incoming import Taken
from app.operations.mailimport.layout import Names
from app.operations.mailimport.progress import State
from app.operations.mailimport.taker import Taker
from app.store.account.handle import Account, Tx

log = logger("import")

FULL: Final = "the account is full; this can go on when its quota is raised or room made, and takes nothing twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to import; `name` is what the file was called where it came from."""

    path: Path
    name: str
    names: Names = Names()  # noqa: RUF009 (it is frozen)
    skips_present: bool = True


def _note_nothing(tx: Tx, last: int, taken: Taken) -> None:
    """For imports that keep no place."""


async def _end_nothing(state: State, words: str) -> None:
    """For imports that keep nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where an import goes on, how it notes where it is, and what is done before it is over."""

    after: int = 0  # messages that were gone through before
    began_at: int | None = None  # the mark of `Taker.begin`
    note: Callable[[Tx, int, Taken], None] = _note_nothing
    end: Callable[[State, str], Awaitable[None]] = _end_nothing


@dataclass(slots=True, kw_only=True)
class Progress(progress.Progress):
    """Changes while the import goes on."""

    name: str
    share: float = 0.0  # of the archive
    mailbox: str = ""


class Run:
    """An import into an account that is open."""

    def __init__(self, wanted: Wanted, account: Account, tmp_dir: Path, keeping: Keeping) -> None:
        self._wanted = wanted
        self._account = account
        self._tmp_dir = tmp_dir
        self._keeping = keeping
        self._taker = Taker(account, skips_present=wanted.skips_present, began_at=keeping.began_at)
        self._loop = asyncio.get_running_loop()
        self.progress = Progress(name=wanted.name)

    async def go(self) -> None:
        """Do it."""
        found = self.progress
        state, words = State.CANCELLED, "it was ended before it was done"
        log.info("import of an archive begins", account=self._account.name)
        try:
            await self._go()
            state, words = State.DONE, ""
        except ArchiveBroken as error:
            state, words, found.may_pass = State.FAILED, error.public, False
        except OverQuota:
            state, words = State.FULL, FULL
        except (MailError, OSError) as error:
            state, words, found.may_pass = State.FAILED, explain(error), not isinstance(error, Refusal)
        except Exception as error:
            log.error("import failed", account=self._account.name, error=repr(error))
            state, words = State.FAILED, "something went wrong here; the log of this server says more"
            found.may_pass = False
        finally:
            found.words = words
            await self._keeping.end(state, words)
            found.state = state  # last, as another import may begin from here on
            log.info("import of an archive ended", account=self._account.name, state=state.value, taken=found.taken)

    async def _go(self) -> None:
        await self._taker.begin()
        archive = await asyncio.to_thread(self._open)
        try:
            await _whole(asyncio.to_thread(archive.survey), archive.end)
            for mailbox in archive.mailboxes():
                await self._taker.make(mailbox)
            await self._take_all(archive)
            if not archive.mailboxes():
                raise Refusal("there is no mail in it, neither mbox files nor Maildirs (folders cur and new)")
        finally:
            archive.__exit__(None, None, None)

    def _open(self) -> MailArchive:
        wanted = self._wanted
        return MailArchive(wanted.path, wanted.name, wanted.names, self._tmp_dir, self._problem)

    def _problem(self, text: str) -> None:
        """Called in threads."""
        self._loop.call_soon_threadsafe(self.progress.note_problem, text)

    async def _take_all(self, archive: MailArchive) -> None:
        batches = archive.batches(self._keeping.after)
        try:
            reading = asyncio.create_task(asyncio.to_thread(_next, batches))
            while (batch := await self._finished(reading)) is not None:
                self.progress.share = archive.share
                reading = asyncio.create_task(asyncio.to_thread(_next, batches))
                try:
                    await _whole(self._store(batch), archive.end)
                except BaseException:
                    await _drop(reading)
                    raise
            self.progress.share = 1.0
        finally:
            await asyncio.to_thread(batches.close)

    async def _finished(self, reading: asyncio.Task[Batch | None]) -> Batch | None:
        """The next batch; when the import is cancelled, what was read is thrown away."""
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            await _drop(reading)
            raise

    async def _store(self, batch: Batch) -> None:
        def note(tx: Tx, taken: Taken) -> None:
            self._keeping.note(tx, batch.last, taken)

        if batch.messages:
            self.progress.mailbox = batch.messages[-1].mailbox
        self.progress.count(await self._taker.take(batch.messages, note))


async def _whole(work: Awaitable[None], end: Callable[[], None]) -> None:
    """Do it to its end, also when the import is cancelled meanwhile; that is told to `end`."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        end()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _next(batches: Generator[Batch, None, None]) -> Batch | None:
    return next(batches, None)


async def _drop(reading: asyncio.Task[Batch | None]) -> None:
    """Throw away what is being read."""
    [batch] = await asyncio.gather(reading, return_exceptions=True)
    if isinstance(batch, Batch):
        for one in batch.messages:
            one.body.discard()


def explain(error: Exception) -> str:
    """Why an import cannot go on, and what to do."""
    if isinstance(error, Refusal):
        return error.public
    return f"mail cannot be stored here: {error}"
