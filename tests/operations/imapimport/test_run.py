"""An import takes every message once, whatever the other server does, and says what became of it."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from app.net.imapclient import Endpoint, Security
from app.operations.imapimport import folder as folder_module
from app.operations.imapimport.network import Network, anywhere, is_public
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.run import Run
from app.operations.imapimport.wanted import Wanted
from app.operations.mailimport.progress import State
from app.store.account import imports
from app.store.account.handle import Account
from app.wire.sasl.clients import Login
from app.wire.smtp.address import IPAddress
from tests.support.accounts import simple_message, temporary_account
from tests.support.mailhost import Folder, Mailhost


def some(*uids: int) -> dict[int, bytes]:
    return {uid: simple_message(uid) for uid in uids}


def make_run(
    account: Account, port: int, password: str = "secret", may_reach: Callable[[IPAddress], bool] = anywhere
) -> Run:
    async def addresses(host: str) -> Sequence[IPAddress]:
        return [ipaddress.ip_address("127.0.0.1")]

    async def pause(seconds: float) -> None:
        pass

    endpoint = Endpoint(host="imap.example.org", port=port, security=Security.NONE)
    tmp_dir = account.directory / "tmp"
    tmp_dir.mkdir(exist_ok=True)
    network = Network(addresses=addresses, pause=pause, may_reach=may_reach)
    return Run(Wanted(endpoint=endpoint, login=Login("jane", password)), account, network, tmp_dir)


async def move(account: Account, host: Mailhost, password: str = "secret") -> Progress:
    async with host.running() as port:
        run = make_run(account, port, password)
        await asyncio.wait_for(run.go(), 30)
    assert list((account.directory / "tmp").iterdir()) == []
    return run.progress


def with_account(tmp_path: Path, do: Callable[[Account], Awaitable[None]], quota_bytes: int = 0) -> None:
    async def main(account: Account) -> None:
        await do(account)

    with temporary_account(tmp_path, quota_bytes) as account:
        asyncio.run(main(account))


def held(account: Account) -> list[str]:
    """Message-IDs with their mailboxes, in order."""
    sql = """SELECT m.name, c.message_id FROM message x JOIN mailbox m ON m.id = x.mailbox_id
        JOIN content c ON c.id = x.content_id ORDER BY m.name, x.uid"""
    rows = account.read_now(lambda db: db.execute(sql).fetchall())
    return [f"{name} {message_id.partition('@')[0]}" for name, message_id in rows]


def test_lost_connections_are_made_again_and_nothing_comes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "BATCH_COUNT", 3)

    async def do(account: Account) -> None:
        host = Mailhost({"INBOX": Folder(some(*range(1, 21)))}, leaves_after=4)
        progress = await move(account, host)
        assert (progress.state, progress.taken) == (State.DONE, 20)
        assert held(account) == [f"Inbox {uid}" for uid in range(1, 21)]
        assert host.connections > 3

    with_account(tmp_path, do)


def test_server_that_always_leaves_is_given_up(tmp_path: Path) -> None:
    async def do(account: Account) -> None:
        host = Mailhost({"INBOX": Folder(some(1, 2, 3))}, leaves_after=1)
        progress = await move(account, host)
        assert progress.state is State.FAILED
        assert "closed the connection" in progress.words
        assert host.connections == 5
        [source] = account.read_now(imports.sources)
        assert source.ended is not None
        assert "closed the connection" in source.words

    with_account(tmp_path, do)


def test_import_that_was_ended_goes_on_after_the_last_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "BATCH_COUNT", 2)

    async def do(account: Account) -> None:
        host = Mailhost({"INBOX": Folder(some(*range(1, 8)))}, holds_at=6)
        async with host.running() as port:
            run = make_run(account, port)
            task = asyncio.create_task(run.go())
            await asyncio.wait_for(host.silent.wait(), 20)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert run.progress.state is State.CANCELLED
        assert held(account) == [f"Inbox {uid}" for uid in range(1, 5)]
        host.holds_at, host.asked = 0, []
        assert (await move(account, host)).taken == 3
        assert host.asked == [5, 6, 7]
        assert len(held(account)) == 7

    with_account(tmp_path, do)


def test_same_messages_under_another_uidvalidity_are_not_taken_again(tmp_path: Path) -> None:
    async def do(account: Account) -> None:
        await move(account, Mailhost({"INBOX": Folder(some(1, 2, 3))}))
        moved = {uid + 10: data for uid, data in some(2, 3, 4).items()}
        progress = await move(account, Mailhost({"INBOX": Folder(moved, uidvalidity=2)}))
        assert (progress.taken, progress.present) == (1, 2)
        assert held(account) == ["Inbox 1", "Inbox 2", "Inbox 3", "Inbox 4"]

    with_account(tmp_path, do)


def test_end_in_the_middle_after_another_uidvalidity_makes_no_message_come_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "BATCH_COUNT", 2)

    async def do(account: Account) -> None:
        await move(account, Mailhost({"INBOX": Folder(some(*range(1, 8)))}))
        moved = {uid + 10: data for uid, data in some(*range(1, 10)).items()}
        host = Mailhost({"INBOX": Folder(moved, uidvalidity=2)}, leaves_after=3)
        progress = await move(account, host)
        assert (progress.state, progress.taken, progress.present) == (State.DONE, 2, 7)
        assert held(account) == [f"Inbox {uid}" for uid in range(1, 10)]
        assert host.asked.count(11) == 1, "what was compared once is not asked for again"
        moved |= {uid + 10: simple_message(9) for uid in (12, 13)}  # new ones, however much they look like others
        assert (await move(account, Mailhost({"INBOX": Folder(moved, uidvalidity=2)}))).taken == 2

    with_account(tmp_path, do)


def test_message_that_gmail_shows_in_several_folders_is_taken_once(tmp_path: Path) -> None:
    large = 1 << 63
    folders = {
        "[Gmail]/All Mail": Folder(some(1, 2, 3, 4), attributes="\\All", numbers={n: large + n for n in range(1, 5)}),
        "INBOX": Folder({7: simple_message(2)}, numbers={7: large + 2}),
        "Work": Folder({8: simple_message(2), 9: simple_message(3)}, numbers={8: large + 2, 9: large + 3}),
    }

    async def do(account: Account) -> None:
        for taken in (4, 0):
            progress = await move(account, Mailhost(folders, is_gmail=True))
            assert (progress.state, progress.taken) == (State.DONE, taken)
        assert held(account) == ["Archive 1", "Archive 4", "Inbox 2", "Work 3"]

    with_account(tmp_path, do)


def test_messages_that_the_server_does_not_give_are_listed_and_the_others_come(tmp_path: Path) -> None:
    async def do(account: Account) -> None:
        folder = Folder(some(1, 2, 3, 4, 5))
        host = Mailhost({"INBOX": folder}, refused=frozenset({2}), omitted=frozenset({4}), is_backwards=True)
        progress = await move(account, host)
        assert (progress.state, progress.taken) == (State.DONE, 3)
        assert list(progress.problems) == [
            "INBOX, message 2: the server refuses it: internal error",
            "INBOX, message 4: the server does not give it; it may have been deleted meanwhile",
        ]
        assert held(account) == ["Inbox 1", "Inbox 3", "Inbox 5"]

    with_account(tmp_path, do)


def test_message_that_was_refused_is_asked_for_again_until_it_comes_or_goes(tmp_path: Path) -> None:
    async def do(account: Account) -> None:
        folder = Folder(some(1, 2, 3, 4))
        for refused, taken in (({2, 3, 4}, 1), ({3, 4}, 1), ({4}, 1), ({4}, 0)):
            host = Mailhost({"INBOX": folder}, refused=frozenset(refused))
            progress = await move(account, host)
            refusals = [f"INBOX, message {uid}: the server refuses it: internal error" for uid in sorted(refused)]
            assert (progress.state, progress.taken, list(progress.problems)) == (State.DONE, taken, refusals)
        folder.messages = some(1, 5)
        progress = await move(account, host)
        assert (progress.taken, list(progress.problems)) == (1, [])
        assert sorted(held(account)) == ["Inbox 1", "Inbox 2", "Inbox 3", "Inbox 5"]
        (source,) = account.read_now(imports.sources)
        found = account.read_now(lambda db: imports.reached(db, source.id, b"INBOX"))
        assert found == imports.Reached(1, 5)

    with_account(tmp_path, do)


def test_account_that_is_full_ends_the_import_with_whole_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "BATCH_COUNT", 2)

    async def do(account: Account) -> None:
        progress = await move(account, Mailhost({"INBOX": Folder(some(1, 2, 3, 4, 5, 6))}))
        assert progress.state is State.FAILED
        assert "the account is full" in progress.words
        assert held(account) == ["Inbox 1", "Inbox 2"]

    with_account(tmp_path, do, quota_bytes=len(simple_message(1)) * 3)


def test_wrong_password_is_told_and_not_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def do(account: Account) -> None:
        progress = await move(account, Mailhost({"INBOX": Folder({})}), password="hunter2")
        assert progress.state is State.FAILED
        assert "app password" in progress.words
        assert "hunter2" not in repr(progress) + caplog.text

    with_account(tmp_path, do)
    for file in (tmp_path / "accounts").rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes()


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        *((ip, False) for ip in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "fd00::1", "0.0.0.0")),
        *((ip, False) for ip in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1", "100.64.0.1")),
        *((ip, True) for ip in ("9.9.9.9", "2620:fe::fe")),
    ],
)
def test_only_public_addresses_are_reached_from_the_page(ip: str, expected: bool) -> None:
    assert is_public(ipaddress.ip_address(ip)) is expected


def test_server_inside_the_network_is_not_connected_to(tmp_path: Path) -> None:
    async def do(account: Account) -> None:
        host = Mailhost({})
        async with host.running() as port:
            run = make_run(account, port, may_reach=is_public)
            await run.go()
        assert run.progress.state is State.FAILED
        assert "inside this network" in run.progress.words
        assert host.connections == 0

    with_account(tmp_path, do)
