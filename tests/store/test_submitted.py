"""What an account may send in a day."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient, QueueFilter
from app.store.spool import Body
from app.store.submitted import DAY_S, REMEMBERED_S, SendLimit, SendLimitReached, SendLimits
from app.wire.smtp.address import parse_address, parse_path_address
from tests.support.clock import SetClock

LIMITS = SendLimits(recipients=4, first_time=2)


class Sender:
    """A queue, and an account that sends at times of the test's choice."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = SetClock(16_667 * 60.0)  # sending is counted by the minute
        self.start = self.clock.time
        self.queue = QueueDb.open(directory, self.clock)

    def message(self, *recipients: str, account: str = "jane") -> NewMessage:
        return NewMessage(
            sender_account=account,
            reverse_path=parse_address("jane@example.org"),
            recipients=tuple(NewRecipient(path=parse_path_address(to)) for to in recipients),
            body=Body.of(b"hello"),
        )

    def send(self, *recipients: str, at: float = 0.0, account: str = "jane") -> SendLimitReached | None:
        """The limit that it met, if any."""
        self.clock.time = self.start + at
        try:
            asyncio.run(self.queue.add(self.message(*recipients, account=account), LIMITS))
        except SendLimitReached as error:
            return error
        return None

    def retry_at(self, *recipients: str, at: float = 0.0) -> tuple[SendLimit, float]:
        error = self.send(*recipients, at=at)
        assert error is not None
        assert error.retry_at is not None
        return error.limit, error.retry_at - self.start

    def reopen(self) -> None:
        self.queue.close()
        self.queue = QueueDb.open(self.directory, self.clock)


@pytest.fixture
def sender(tmp_path: Path):
    made = Sender(tmp_path)
    yield made
    made.queue.close()


def test_recipients_of_the_past_day_count_also_after_a_restart(sender: Sender) -> None:
    sender.send("a@x.example", "b@x.example")
    sender.send("a@x.example", at=60)
    sender.reopen()
    assert sender.retry_at("a@x.example", "b@x.example", at=120) == (SendLimit.RECIPIENTS, DAY_S)
    assert sender.send("a@x.example", at=120) is None
    assert sender.retry_at("a@x.example", "b@x.example", "a@x.example", at=180) == (SendLimit.RECIPIENTS, DAY_S + 60)


def test_the_time_that_is_told_is_the_first_that_works(sender: Sender) -> None:
    sender.send("a@x.example", "b@x.example", "b@x.example")
    sender.send("a@x.example", at=60)
    _, when = sender.retry_at("a@x.example", at=61)
    assert sender.send("a@x.example", at=when - 1) is not None
    assert sender.send("a@x.example", at=when) is None


def test_addresses_written_to_before_are_not_new(sender: Sender) -> None:
    sender.send("a@x.example", "b@x.example")
    assert sender.retry_at("c@x.example", at=1) == (SendLimit.FIRST_TIME, DAY_S)
    assert sender.send("A@x.example", at=1) is None
    assert sender.send("c@x.example", "a@x.example", "d@x.example", at=DAY_S + 1) is None


def test_refused_message_and_our_own_notifications_do_not_count(sender: Sender) -> None:
    error = sender.send("a@x.example", "b@x.example", "c@x.example")
    assert error is not None
    assert error.retry_at is None
    for _ in range(5):
        asyncio.run(sender.queue.add(sender.message("d@x.example")))
    assert sender.send("a@x.example", "b@x.example") is None


def test_each_account_has_its_own_limits(sender: Sender) -> None:
    sender.send("a@x.example", "b@x.example")
    assert sender.send("c@x.example", "d@x.example", account="joe") is None


def test_connections_that_send_at_once_do_not_pass_the_limit_together(sender: Sender) -> None:
    async def one() -> bool:
        with contextlib.suppress(SendLimitReached):
            await sender.queue.add(sender.message("a@x.example"), LIMITS)
            return True
        return False

    async def together() -> list[bool]:
        return await asyncio.gather(*(one() for _ in range(20)))

    assert sum(asyncio.run(together())) == LIMITS.recipients
    assert len(asyncio.run(sender.queue.find(QueueFilter()))) == LIMITS.recipients


def test_old_rows_are_removed(sender: Sender) -> None:
    def rows() -> list[int]:
        count = "SELECT (SELECT count(*) FROM submitted), (SELECT count(*) FROM correspondent)"
        return list(sender.queue._db.read_now(lambda db: db.execute(count).fetchone()))

    sender.send("a@x.example", "b@x.example")
    for at, left in ((DAY_S - 1, [1, 2]), (DAY_S, [0, 2]), (REMEMBERED_S, [0, 0])):
        sender.clock.time = sender.start + at
        asyncio.run(sender.queue.forget_retired())
        assert rows() == left


def test_to_whom_an_account_has_written(sender: Sender) -> None:
    sender.send("Joe@X.example", "ann@sub.y.example")
    names = ["joe@x.example", "x.example", "JIM@x.example", "y.example", "sub.y.example", "example"]
    wrote_to = asyncio.run(sender.queue.wrote_to("jane", names))
    assert wrote_to == {"joe@x.example", "x.example", "sub.y.example"}
    assert asyncio.run(sender.queue.wrote_to("joe", names)) == frozenset()
