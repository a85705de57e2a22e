"""An import outlives the process: it goes on after the last batch, and takes nothing twice."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable
from pathlib import Path

import pytest

from app.errors import Refusal
from app.operations.mailimport import taker, uploads
from app.operations.mailimport.progress import State
from app.operations.mailimport.uploads import ArchiveImports
from app.store.account import archives
from app.store.account.archives import Wishes
from app.store.account.check import check
from app.store.accounts import Accounts, AccountSettings
from tests.support.accounts import simple_message

WISHES = Wishes(name="old.mbox", into="Old", skips_present=True)


def mbox(count: int, size: int = 0) -> bytes:
    """Of which two are always equal."""
    separator = b"From a@b Tue Nov 14 22:13:20 2023\n"
    return b"".join(separator + simple_message(number // 2, "x" * size) + b"\n" for number in range(count))


async def send(imports: ArchiveImports, data: bytes, wishes: Wishes = WISHES) -> None:
    upload = imports.receive("jane")
    await upload.write(data)
    await imports.start("jane", upload, wishes)


def count(accounts: Accounts) -> int:
    account = accounts.open_now("jane")
    assert check(account) == []
    return int(account.read_now(lambda db: db.execute("SELECT count(*) FROM message").fetchone()[0]))


def test_import_is_noted_and_its_file_removed(tmp_path: Path) -> None:
    async def main() -> None:
        accounts = Accounts(tmp_path)
        imports = ArchiveImports(accounts)
        await send(imports, mbox(10) + b"\nFrom a@b Tue Nov 14 22:13:20 2023\n")
        with pytest.raises(Refusal, match="already"):
            imports.receive("jane")
        await imports.wait("jane")
        progress = imports.find("jane")
        assert progress is not None
        assert (progress.state, progress.taken, progress.share) == (State.DONE, 11, 1.0)
        account = await accounts.open("jane")
        [row] = await account.read(archives.listed)
        assert (row.wishes, row.taken, row.passed, row.state, row.words) == (WISHES, 11, 11, "done", "")
        assert list((tmp_path / "imports" / "jane").iterdir()) == []
        accounts.close()

    asyncio.run(main())


def test_of_two_archives_that_arrive_at_once_one_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        accounts = Accounts(tmp_path)
        imports = ArchiveImports(accounts)
        uploads = [imports.receive("jane") for _ in range(3)]
        for upload in uploads:
            await upload.write(mbox(10))
        done = await asyncio.gather(
            *(imports.start("jane", upload, WISHES) for upload in uploads), return_exceptions=True
        )
        assert [isinstance(one, Refusal) for one in done] == [False, True, True]
        await imports.wait("jane")
        assert count(accounts) == 10
        assert list((tmp_path / "imports" / "jane").iterdir()) == []
        accounts.close()

    asyncio.run(main())


@pytest.mark.parametrize("stops_after", [1, 2, 3])
def test_interrupted_import_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops_after: int
) -> None:
    """The files as they are in the middle of it are what the end of the process at that moment leaves."""
    before, after = tmp_path / "before", tmp_path / "after"
    take, batches = taker.Taker.take, 0

    async def first() -> None:
        is_there, goes_on = asyncio.Event(), asyncio.Event()

        async def held(self, batch, note=taker.note_nothing):  # type: ignore[no-untyped-def]
            nonlocal batches
            batches += 1
            if batches > stops_after:
                is_there.set()
                await goes_on.wait()
            return await take(self, batch, note)

        monkeypatch.setattr(taker.Taker, "take", held)
        accounts = Accounts(before)
        imports = ArchiveImports(accounts)
        await send(imports, mbox(350))
        await is_there.wait()
        shutil.copytree(before, after)
        goes_on.set()
        await imports.stop()
        accounts.close()

    async def second() -> None:
        monkeypatch.setattr(taker.Taker, "take", take)
        accounts = Accounts(after)
        assert count(accounts) == 100 * stops_after
        (after / "imports" / "jane" / "part-x").write_bytes(b"of an upload that was broken off")
        (after / "imports" / "gone").mkdir()
        imports = ArchiveImports(accounts)
        assert await imports.go_on({"jane", "other"}) == 1
        await imports.wait("jane")
        progress = imports.find("jane")
        assert progress is not None
        assert (progress.state, progress.taken, progress.present) == (State.DONE, 350, 0)
        assert count(accounts) == 350
        assert [path.name for path in (after / "imports").rglob("*")] == ["jane"]
        accounts.close()

    asyncio.run(first())
    asyncio.run(second())


def test_stop_of_the_server_leaves_an_import_for_the_next_start_and_ending_it_does_not(tmp_path: Path) -> None:
    async def main(*, is_ended: bool) -> None:
        accounts = Accounts(tmp_path / str(is_ended))
        imports = ArchiveImports(accounts)
        await send(imports, mbox(400, 20_000))
        await (imports.cancel("jane") if is_ended else imports.stop())
        account = await accounts.open("jane")
        assert len(await account.read(archives.unfinished)) == (0 if is_ended else 1)
        again = ArchiveImports(accounts)
        assert await again.go_on({"jane"}) == (0 if is_ended else 1)
        await again.wait("jane")
        if not is_ended:
            assert count(accounts) == 400
        assert list((tmp_path / str(is_ended) / "tmp").iterdir()) == []
        accounts.close()

    asyncio.run(main(is_ended=False))
    asyncio.run(main(is_ended=True))


def test_import_whose_archive_is_gone_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        accounts = Accounts(tmp_path)
        account = await accounts.open("jane")
        await account.write(lambda tx: archives.begin(tx, WISHES, 0))
        (tmp_path / "imports" / "jane").mkdir(parents=True)
        assert await ArchiveImports(accounts).go_on({"jane"}) == 0
        [row] = await account.read(archives.listed)
        assert "upload it once more" in row.words
        accounts.close()

    asyncio.run(main())


def test_import_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    quotas = [len(simple_message(1, "x" * 500)) * 150]

    async def end_of(imports: ArchiveImports) -> tuple[State, int]:
        await imports.wait("jane")
        progress = imports.find("jane")
        assert progress is not None
        return progress.state, progress.taken

    async def main() -> None:
        accounts = Accounts(tmp_path, lambda name: AccountSettings(quota_bytes=quotas[0]))
        imports = ArchiveImports(accounts)
        await send(imports, mbox(350, 500))
        assert await end_of(imports) == (State.FULL, 100)
        await imports.resume("jane")
        assert await end_of(imports) == (State.FULL, 100)
        quotas[0] = 0
        imports = ArchiveImports(accounts)
        assert await imports.go_on({"jane"}) == 0, "only when it is asked for"
        await asyncio.gather(imports.resume("jane"), _refused(imports.resume("jane")))
        assert await end_of(imports) == (State.DONE, 350)
        assert count(accounts) == 350
        assert list((tmp_path / "imports" / "jane").iterdir()) == []
        accounts.close()

    asyncio.run(main())


async def _refused(work: Awaitable[None]) -> None:
    with pytest.raises(Refusal):
        await work


@pytest.mark.parametrize("is_replaced", [False, True])
def test_archive_that_waits_for_room_goes_when_it_is_not_wanted(tmp_path: Path, *, is_replaced: bool) -> None:
    quotas = [1000]

    async def main() -> None:
        accounts = Accounts(tmp_path, lambda name: AccountSettings(quota_bytes=quotas[0]))
        imports = ArchiveImports(accounts)
        await send(imports, mbox(10, 500))
        await imports.wait("jane")
        account = await accounts.open("jane")
        assert await imports.waiting(account) is not None
        if is_replaced:
            quotas[0] = 0
            await send(imports, mbox(2))
            await imports.wait("jane")
        else:
            await imports.drop("jane")
        assert await imports.waiting(account) is None
        await _refused(imports.resume("jane"))
        assert list((tmp_path / "imports" / "jane").iterdir()) == []
        accounts.close()

    asyncio.run(main())


def test_upload_ends_when_the_disk_gets_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FREE_BYTES", 1 << 60)

    async def main() -> None:
        accounts = Accounts(tmp_path)
        upload = ArchiveImports(accounts).receive("jane")
        with pytest.raises(Refusal, match="too little room"):
            await upload.write(b"x")
        upload.discard()
        assert list((tmp_path / "imports" / "jane").iterdir()) == []
        accounts.close()

    asyncio.run(main())
