"""What the queue remembers of its first times."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.store.milestones import Milestones
from app.store.queuedb import QueueDb
from app.store.queuerecords import Attempt, Ending, Finished, NewMessage, NewRecipient
from app.store.spool import Body
from app.wire.smtp.address import parse_address

ADDRESS = parse_address("jane@example.org")


async def finish(queue: QueueDb, started: float, ending: Ending, ip: str, code: int) -> None:
    recipients = (NewRecipient(path=ADDRESS),)
    message = NewMessage(sender_account="jane", reverse_path=ADDRESS, recipients=recipients, body=Body.of(b"x\r\n"))
    (number,) = await queue.add(message)
    attempt = Attempt(started=started, duration_s=1.0, success=ending is Ending.DELIVERED, code=code, ip=ip)
    await queue.finish([Finished(id=number, ending=ending, attempt=attempt)])


@pytest.mark.parametrize(
    ("ending", "ip", "code", "expected"),
    [
        (Ending.DELIVERED, "", 250, Milestones(reached=None, delivered=None)),  # to an account here
        (Ending.DEFERRED, "192.0.2.1", 0, Milestones(reached=None, delivered=None)),  # nobody answered
        (Ending.FAILED, "192.0.2.1", 550, Milestones(reached=1.0, delivered=None)),
        (Ending.DELIVERED, "192.0.2.1", 250, Milestones(reached=1.0, delivered=1.0)),
    ],
)
def test_an_answer_and_a_delivery_elsewhere_are_remembered_from_the_first(
    tmp_path: Path, ending: Ending, ip: str, code: int, expected: Milestones
) -> None:
    async def check() -> None:
        queue = QueueDb.open(tmp_path)
        await finish(queue, 1.0, ending, ip, code)
        await finish(queue, 2.0, ending, ip, code)
        queue.close()
        queue = QueueDb.open(tmp_path)
        assert await queue.milestones() == expected
        queue.close()

    asyncio.run(check())
