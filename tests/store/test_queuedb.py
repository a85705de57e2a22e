"""The queue on disk."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from app.errors import StoreError
from app.store.holdrules import HoldRule
from app.store.queuedb import QueueDb
from app.store.queuerecords import Attempt, Ending, Finished, NewMessage, NewRecipient, Queued, QueueFilter
from app.store.spool import Body, Spool
from app.wire.smtp.address import NULL_PATH, parse_address, parse_path_address
from tests.support.clock import SetClock

SENDER = parse_address("jane@example.org")
EVERYTHING = QueueFilter()


def message(*recipients: str, body: Body | None = None, account: str = "jane", sender: str = "") -> NewMessage:
    return NewMessage(
        sender_account=account,
        reverse_path=parse_address(sender) if sender else SENDER,
        recipients=tuple(NewRecipient(path=parse_path_address(to)) for to in recipients),
        body=body or Body.of(b"Subject: x\r\n\r\nhello\r\n"),
        prefix=b"Received: here\r\n",
    )


def plan(attempts: int) -> float:
    return 100.0 * 2**attempts


def finished(row: Queued, ending: Ending, **more: float) -> Finished:
    done = Attempt(
        started=row.last_attempt, duration_s=1.5, success=ending is Ending.DELIVERED, code=450, error="later"
    )
    return Finished(id=row.id, ending=ending, attempt=done, **more)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(1_000_000.0)


@pytest.fixture
def queue(tmp_path: Path, clock: SetClock):
    opened = QueueDb.open(tmp_path, clock)
    yield opened
    opened.close()


def test_a_row_per_recipient_shares_base_and_bytes(queue, clock):
    async def scenario():
        ids = await queue.add(message("a@x.example", "b@[192.0.2.1]"))
        rows = await queue.find(EVERYTHING)
        assert [row.id for row in rows] == ids
        assert len({row.base_id for row in rows}) == 1
        assert [row.domain for row in rows] == ["x.example", "[192.0.2.1]"]
        assert (rows[0].reverse_path, rows[0].queued, rows[0].attempts) == (SENDER, clock.time, 0)
        content = await queue.content(rows[0].base_id)
        assert content.prefix + content.body == b"Received: here\r\nSubject: x\r\n\r\nhello\r\n"
        assert rows[0].size_bytes == len(content.prefix) + len(content.body)

    asyncio.run(scenario())


def test_an_attempt_is_on_disk_before_it_starts(queue, clock):
    async def scenario():
        (number,) = await queue.add(message("a@x.example"))
        assert [due.id for due in (await queue.look((), 10)).due] == [number]
        (row,) = await queue.begin([number], plan)
        assert (row.attempts, row.last_attempt) == (1, clock.time)
        assert (await queue.look((), 10)).due == []
        assert (await queue.find(EVERYTHING))[0].next_attempt == clock.time + 100
        assert (await queue.look((), 10)).next_due == clock.time + 100

    asyncio.run(scenario())


def test_deferred_stays_and_delivered_goes(queue, clock):
    async def scenario():
        ids = await queue.add(message("a@x.example", "b@x.example"))
        first, second = await queue.begin(ids, plan)
        await queue.finish([finished(first, Ending.DELIVERED), finished(second, Ending.DEFERRED)])
        (left,) = await queue.find(EVERYTHING)
        assert left.id == second.id
        assert [done.error for done in await queue.attempts(second.id)] == ["later"]
        (again,) = await queue.begin([second.id], plan)
        assert again.attempts == 2
        await queue.finish([finished(again, Ending.FAILED)])
        assert await queue.find(EVERYTHING) == []
        assert await queue.attempts(second.id) == []
        with pytest.raises(StoreError):
            await queue.content(first.base_id)

    asyncio.run(scenario())


def test_retired_keeps_its_attempts_for_its_time(queue, clock):
    async def scenario():
        (row,) = await queue.begin(await queue.add(message("a@x.example")), plan)
        await queue.finish([finished(row, Ending.DELIVERED, keep_until=2_000_000.0)])
        assert len(await queue.attempts(row.id)) == 1
        assert queue._db.read_now(lambda db: db.execute("SELECT id, success FROM retired").fetchall()) == [(row.id, 1)]
        await queue.forget_retired()
        assert len(await queue.attempts(row.id)) == 1
        clock.time = 2_000_001.0
        await queue.forget_retired()
        assert await queue.attempts(row.id) == []

    asyncio.run(scenario())


def test_large_body_is_a_file_until_the_last_recipient_is_done(queue, tmp_path):
    spool = Spool(tmp_path)
    spool.write(b"x" * 300_000)
    body = spool.finish()

    async def scenario():
        ids = await queue.add(message("a@x.example", "b@x.example", body=body))
        body.discard()
        first, second = await queue.begin(ids, plan)
        assert [path.name for path in queue.msg_dir.iterdir()] == [str(first.base_id)]
        await queue.finish([finished(first, Ending.DELIVERED)])
        assert len((await queue.content(first.base_id)).body) == 300_000
        await queue.finish([finished(second, Ending.FAILED)])
        assert list(queue.msg_dir.iterdir()) == []

    asyncio.run(scenario())


def test_large_body_without_a_file_is_written(queue):
    async def scenario():
        await queue.add(message("a@x.example", body=Body.of(b"y" * 300_000)))
        assert (await queue.content(1)).body[:] == b"y" * 300_000
        assert await queue.drop(EVERYTHING) == 1
        assert list(queue.msg_dir.iterdir()) == []

    asyncio.run(scenario())


def test_reopening_tidies_files_and_resumes_interrupted_attempts(tmp_path, clock):
    queue = QueueDb.open(tmp_path, clock)
    ids = asyncio.run(queue.add(message("a@x.example", body=Body.of(b"y" * 300_000))))
    (queue.msg_dir / "77").write_bytes(b"orphan")
    waits = []
    for _ in range(3):
        asyncio.run(queue.begin(ids, plan))
        queue.close()
        queue = QueueDb.open(tmp_path, clock)
        (row,) = asyncio.run(queue.find(EVERYTHING))
        waits.append(row.next_attempt - clock.time)
    assert waits == [10, 10, 400]
    assert [path.name for path in queue.msg_dir.iterdir()] == ["1"]
    queue.close()


def test_release_takes_the_attempt_back(queue, clock):
    async def scenario():
        (row,) = await queue.begin(await queue.add(message("a@x.example")), plan)
        await queue.release([row.id])
        (again,) = await queue.find(EVERYTHING)
        assert (again.attempts, again.next_attempt) == (0, clock.time)

    asyncio.run(scenario())


def test_due_leaves_out_busy_domains_and_held_ones(queue, clock):
    async def scenario():
        await queue.add(message("a@x.example", "b@y.example", "c@z.example"))
        await queue.hold(QueueFilter(recipient="@z.example"), True)
        assert [due.domain for due in (await queue.look(["x.example"], 10)).due] == ["y.example"]
        assert await queue.held() == 1

    asyncio.run(scenario())


def test_hold_rule_must_match_in_every_field_it_gives_also_what_is_queued_already(queue):
    rule = HoldRule(sender_domain="example.org", recipient_domain="x.example")

    async def queue_two():
        await queue.add(message("a@x.example", "a@y.example", "a@sub.x.example"))
        await queue.add(message("a@x.example", sender="joe@example.net"))

    async def scenario():
        await queue_two()
        number, held = await queue.hold_rules.add(rule)
        assert held == 1
        await queue_two()
        assert [row.hold for row in await queue.find(EVERYTHING)] == [True, False, False, False] * 2
        assert await queue.hold_rules.all() == [dataclasses.replace(rule, id=number)]
        assert await queue.hold_rules.remove(number)
        assert not await queue.hold_rules.remove(number)
        assert await queue.held() == 2
        await queue.add(message("a@x.example"))
        assert await queue.held() == 2
        assert (await queue.hold_rules.add(HoldRule(account="nobody")))[1] == 0
        assert (await queue.hold_rules.add(HoldRule()))[1] == 7

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (QueueFilter(recipient="@example.com"), [1]),
        (QueueFilter(recipient="a@example.com"), [1]),
        (QueueFilter(sender="@example.org", recipient="@example.com"), [1]),
        (QueueFilter(sender="@example.org", recipient="b@example.net"), []),
        (QueueFilter(account="joe"), [3]),
        (QueueFilter(ids=(2, 3)), [2, 3]),
        (QueueFilter(hold=True), []),
        (QueueFilter(limit=2), [1, 2]),
        (QueueFilter(limit=1, oldest_first=False), [3]),
        (QueueFilter(next_before=1_000_000.0), []),
        (QueueFilter(queued_before=1_000_001.0, transport=""), [1, 2, 3]),
    ],
)
def test_filters_are_a_conjunction_of_exact_matches(queue, which, expected):
    async def scenario():
        await queue.add(message("a@example.com", "a@example.com.evil.example"))
        await queue.add(message("b@example.net", account="joe", sender="joe@example.net"))
        return [row.id for row in await queue.find(which)]

    assert asyncio.run(scenario()) == expected


def test_operators_change_what_they_mean(queue, clock):
    async def scenario():
        await queue.add(message("a@x.example", "b@y.example"))
        told = []
        queue.changed = lambda: told.append(1)
        assert await queue.schedule(QueueFilter(ids=(1,)), clock.time + 50) == 1
        assert await queue.postpone(QueueFilter(ids=(1,)), 10) == 1
        assert await queue.set_transport(QueueFilter(ids=(1,)), "relay") == 1
        assert await queue.set_require_tls(QueueFilter(ids=(1,)), False) == 1
        assert await queue.fail(QueueFilter(ids=(2,))) == 1
        first, second = sorted(await queue.find(EVERYTHING), key=lambda row: row.id)
        assert (first.next_attempt, first.transport, first.require_tls) == (clock.time + 60, "relay", False)
        assert second.fail_now
        assert len(told) == 5

    asyncio.run(scenario())


def test_null_reverse_path_and_no_recipients(queue):
    async def scenario():
        new = NewMessage(
            sender_account="", reverse_path=NULL_PATH, body=Body.of(b""), extra={"Key": "v"},
            recipients=(NewRecipient(path=SENDER),), not_before=5e6,
        )  # fmt: skip
        await queue.add(new)
        (row,) = await queue.find(EVERYTHING)
        assert (row.reverse_path, row.extra, row.next_attempt) == (NULL_PATH, {"Key": "v"}, 5e6)
        with pytest.raises(StoreError):
            await queue.add(message())

    asyncio.run(scenario())


def test_what_is_due_is_found_by_index_alone_however_long_the_queue_is(tmp_path):
    queue = QueueDb.open(tmp_path)
    try:
        sql = """EXPLAIN QUERY PLAN SELECT id, domain FROM recipient WHERE hold = 0 AND next_attempt <= ?
            AND domain NOT IN (?) ORDER BY next_attempt, id LIMIT ?"""
        plan = [row[3] for row in queue._db.write_now(lambda db: db.execute(sql, (1.0, "a", 10)).fetchall())]
        assert "USING COVERING INDEX recipient_due" in plan[0]
        assert not any("SCAN" in line for line in plan)
    finally:
        queue.close()
