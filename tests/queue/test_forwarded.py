"""A forwarded message that its target does not take comes into the account that forwards it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.queue.forwarded import BackHome
from app.store.account import forwards
from app.store.queuerecords import NewRecipient, Queued
from app.wire.smtp.address import parse_address
from tests.support.queues import Bench, message, running_queue
from tests.support.smtpsink import SmtpSink

ZONE = {
    name: facts
    for one in ("a", "b")
    for name, facts in {
        f"{one}.example": {"MX": [f"10 mx.{one}.example"]},
        f"mx.{one}.example": {"A": ["127.0.0.1"]},
    }.items()
}
TARGETS = ("x@a.example", "y@b.example")


def forwarded(bench: Bench, *, has_copy: bool) -> object:
    return message(
        reverse_path=parse_address("SRS0=aaaaaaaa=aa=sender.example=ann@example.org"),
        recipients=tuple(NewRecipient(path=parse_address(one)) for one in TARGETS),
        forwarded_for="jane@example.org",
        has_copy=has_copy,
    )


def failed(directory: Path, sink: SmtpSink, *, has_copy: bool) -> tuple[list[bytes], dict[str, str]]:
    """What is in the Inbox, and what is said of the targets, after a delivery that was refused."""

    async def scenario() -> tuple[list[bytes], dict[str, str]]:
        homes: list[BackHome] = []

        async def put(row: Queued, words: str, content: object) -> None:
            await homes[0].put(row, words, content)  # type: ignore[arg-type]

        async with sink, running_queue(directory, ZONE, sink.port, forward_failed=put) as bench:
            homes.append(BackHome(bench.accounts, bench.setup.db, bench.setup.live))
            account = await bench.accounts.open("jane")
            account.quota_bytes = 1
            for target in TARGETS:
                await forwards.add(account, "jane@example.org", target)
            await bench.send(forwarded(bench, has_copy=has_copy))  # type: ignore[arg-type]
            targets = await account.read(forwards.targets)
            assert await bench.setup.db.held() == 0
            return await bench.inbox(), {one.address: one.failure for one in targets}

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_it_is_there_once_with_the_reason_even_over_quota(tmp_path: Path) -> None:
    inbox, failures = failed(tmp_path, SmtpSink(faults={"rcpt": b"550 5.1.1 nobody here\r\n"}), has_copy=False)
    (stored,) = inbox
    assert stored.startswith(b"X-Mox-Forward-Failed: ")
    assert b"nobody here" in stored
    assert b"multipart/report" not in stored, "the sender is not told"
    assert all("nobody here" in words for words in failures.values())


def test_where_a_copy_was_kept_only_the_reason_is(tmp_path: Path) -> None:
    inbox, failures = failed(tmp_path, SmtpSink(faults={"rcpt": b"550 5.1.1 nobody here\r\n"}), has_copy=True)
    assert inbox == []
    assert set(failures) == set(TARGETS)
    assert all(failures.values())


def test_of_a_delivery_nothing_is_said(tmp_path: Path) -> None:
    inbox, failures = failed(tmp_path, SmtpSink(), has_copy=False)
    assert inbox == []
    assert not any(failures.values())
