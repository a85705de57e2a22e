"""Archives that were sent to a server, and their imports, which outlive the browser, the connection and the process.

    upload = imports.receive("jane")                  # a file below data/imports/jane
    await upload.write(data) ...
    progress = await imports.start("jane", upload, wishes)

How far an import is stands in the account, in the transaction of each batch (`app.store.account.archives`), and the
archive stays until the import is over: after a crash or a restart `go_on` takes it up after the last batch. What an
upload that was broken off has left is removed then. An upload ends when the disk gets full. When an account gets full,
its archive stays until the import is gone on with (`resume`), the archive is dropped (`drop`) or another is imported.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from app.errors import MailError, Refusal, Temporary
from app.log import logger
from app.operations.mailimport.incoming import Taken
from app.operations.mailimport.layout import Names
from app.operations.mailimport.progress import State
from app.operations.mailimport.run import Keeping, Progress, Run, Wanted
from app.operations.mailimport.running import Running
from app.operations.mailimport.taker import Taker
from app.store.account import archives
from app.store.account.archives import Archive, Outcome, Step, Wishes
from app.store.account.handle import Account, Tx
from app.store.accounts import Accounts
from app.store.databasecopy import sync

FREE_BYTES: Final = 512 << 20  # that an upload leaves on the disk
CHECK_EVERY: Final = 16 << 20
DIRECTORY: Final = "imports"
PART: Final = "part-"  # begins the name of an archive that arrives
BUSY: Final = "an archive is being imported already; wait until that is done, or end it"

log = logger("import")


class Upload:
    """An archive that arrives."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor, name = tempfile.mkstemp(prefix=PART, dir=directory)
        self.path = Path(name)
        self.size = 0
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 20)
        self._checked = 0

    async def write(self, data: bytes) -> None:
        """More of it; raises Refusal when the disk gets full, Temporary."""
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        try:
            if self.size >= self._checked:
                self._checked = self.size + CHECK_EVERY
                if shutil.disk_usage(self.path.parent).free < FREE_BYTES + CHECK_EVERY:
                    raise Refusal("the disk of this server has too little room for this archive")
            self._file.write(data)
        except OSError as error:
            raise Temporary(f"the archive cannot be stored: {error.strerror}") from None
        self.size += len(data)

    def finish(self, name: str) -> Path:
        """Keep it under a name, durably."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            target = self.path.with_name(name)
            self.path.replace(target)
            sync(target.parent)
        except OSError as error:
            raise Temporary(f"the archive cannot be stored: {error.strerror}") from None
        self.path = target
        return target

    def discard(self) -> None:
        """Forget it."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class ArchiveImports(Running[Progress]):
    """All of a server."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self._accounts = accounts
        self._root = accounts.data_dir / DIRECTORY
        self._is_stopping = False

    def receive(self, name: str) -> Upload:
        """Begin to take an archive for an account; raises Refusal while it has an import under way."""
        self.require_free(name, BUSY)
        return Upload(self._root / name)

    async def waiting(self, account: Account) -> Archive | None:
        """The import that had no room left, and can be gone on with."""
        found = await account.read(archives.listed)
        is_full = (one for one in found if one.state == archives.FULL)
        return next((one for one in is_full if self._path(account.name, one.id).is_file()), None)

    async def resume(self, name: str) -> None:
        """Go on with the import that waits; raises Refusal when there is none, or while another is under way."""
        with self.beginning(name, BUSY):
            account = await self._accounts.open(name)
            one = await self.waiting(account)
            if one is None or not await account.write(lambda tx: archives.reopen(tx, one.id)):
                raise Refusal("there is nothing to go on with; upload the archive once more")
        await self._begin(account, one, self._path(name, one.id))

    async def drop(self, name: str) -> None:
        """Forget the archive that waits."""
        one = await self.waiting(await self._accounts.open(name))
        if one is not None:
            await asyncio.to_thread(self._path(name, one.id).unlink, missing_ok=True)

    def _path(self, name: str, number: int) -> Path:
        return self._root / name / str(number)

    async def start(self, name: str, upload: Upload, wishes: Wishes) -> Progress:
        """Begin to import what has arrived, which is kept until it is over; raises Refusal, Temporary."""
        try:
            with self.beginning(name, BUSY):
                account, archive, path = await self._keep(name, upload, wishes)
        except BaseException:
            upload.discard()
            raise
        return await self._begin(account, archive, path)

    async def _keep(self, name: str, upload: Upload, wishes: Wishes) -> tuple[Account, Archive, Path]:
        account = await self._accounts.open(name)
        await self.drop(name)
        mark = await Taker(account).begin()
        number = await account.write(lambda tx: archives.begin(tx, wishes, mark))
        try:
            path = await asyncio.to_thread(upload.finish, str(number))
        except MailError as error:
            failed = Outcome(state=State.FAILED.value, words=str(error), problem_count=0, problems=())
            await account.write(lambda tx: archives.end(tx, number, failed))
            raise
        return account, _fresh(number, wishes, mark), path

    async def go_on(self, names: Collection[str]) -> int:
        """Take up the imports that were interrupted, of accounts that there are; how many."""
        taken_up = 0
        for directory in await asyncio.to_thread(self._directories):
            if directory.name not in names:
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
                continue
            try:
                taken_up += await self._go_on(directory)
            except (MailError, OSError) as error:
                log.error("interrupted import not taken up", account=directory.name, error=error)
        return taken_up

    def _directories(self) -> list[Path]:
        return sorted(path for path in self._root.iterdir() if path.is_dir()) if self._root.is_dir() else []

    async def _go_on(self, directory: Path) -> int:
        account = await self._accounts.open(directory.name)
        waiting = await account.read(archives.unfinished)
        wanted = [one for one in waiting if (directory / str(one.id)).is_file()]
        kept = {str(one.id) for one in wanted[:1]}
        full = await self.waiting(account)
        await asyncio.to_thread(_sweep, directory, kept | ({str(full.id)} if full else set()))
        for one in waiting:
            if str(one.id) not in kept:
                await account.write(functools.partial(archives.end, number=one.id, outcome=_lost(one)))
        for one in wanted[:1]:
            log.info("interrupted import goes on", account=account.name, passed=one.passed)
            await self._begin(account, one, directory / str(one.id))
        return len(kept)

    async def stop(self) -> None:
        """End all; the next start goes on with them."""
        self._is_stopping = True
        await super().stop()

    async def _begin(self, account: Account, archive: Archive, path: Path) -> Progress:
        wishes = archive.wishes
        wanted = Wanted(
            path=path,
            name=wishes.name,
            names=Names(into=wishes.into, strip=wishes.strip),
            skips_present=wishes.skips_present,
        )
        run: Run | None = None

        def note(tx: Tx, last: int, taken: Taken) -> None:
            assert run is not None
            problems = list(run.progress.problems)
            new = [problem for problem in taken.problems if problem not in run.progress.problems]
            step = Step(
                passed=last,
                taken=taken.added,
                present=taken.present,
                problem_count=run.progress.problem_count + len(new),
                problems=problems + new,
            )
            archives.note(tx, archive.id, step)

        async def end(state: State, words: str) -> None:
            assert run is not None
            if not (self._is_stopping and state is State.CANCELLED):
                await _note_end(account, archive.id, _outcome(run.progress, state, words), path)

        keeping = Keeping(after=archive.passed, began_at=archive.mark, note=note, end=end)
        run = Run(wanted, account, self._accounts.tmp_dir, keeping)
        progress = run.progress
        progress.taken, progress.present = archive.taken, archive.present
        for problem in archive.problems:
            progress.note_problem(problem)
        progress.problem_count = max(progress.problem_count, archive.problem_count)
        await self.add(account.name, progress, run.go())
        return progress


def _outcome(progress: Progress, state: State, words: str) -> Outcome:
    problems = list(progress.problems)
    return Outcome(state=state.value, words=words, problem_count=progress.problem_count, problems=problems)


async def _note_end(account: Account, number: int, outcome: Outcome, path: Path) -> None:
    try:
        await account.write(lambda tx: archives.end(tx, number, outcome))
        if outcome.state != State.FULL.value:
            await asyncio.to_thread(path.unlink, missing_ok=True)
    except (MailError, OSError) as error:  # the account is gone, or the disk full
        log.info("end of import not noted", account=account.name, error=error)


def _fresh(number: int, wishes: Wishes, mark: int) -> Archive:
    return Archive(
        id=number,
        wishes=wishes,
        mark=mark,
        began=0,
        ended=None,
        state="",
        passed=0,
        taken=0,
        present=0,
        problem_count=0,
        problems=(),
        words="",
    )


def _lost(one: Archive) -> Outcome:
    words = "it was interrupted, and the archive is not here any more; upload it once more"
    return Outcome(state=State.FAILED.value, words=words, problem_count=one.problem_count, problems=one.problems)


def _sweep(directory: Path, kept: Collection[str]) -> None:
    for path in directory.iterdir():
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
