"""What the queue says of a message after it is done with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.store.messagefate import Ended, Fate
from app.store.queuedb import QueueDb
from app.store.queuerecords import Attempt, Ending, Finished, NewMessage, NewRecipient, QueueFilter
from app.store.spool import Body
from app.wire.smtp.address import parse_address

ADDRESS = parse_address("jane@example.org")
LATER = 4e9


@pytest.mark.parametrize(
    ("ending", "keep_until", "expected"),
    [
        (Ending.DEFERRED, 0.0, Ended.WAITING),
        (Ending.DELIVERED, LATER, Ended.DELIVERED),
        (Ending.FAILED, LATER, Ended.FAILED),
        (Ending.DELIVERED, 0.0, Ended.UNKNOWN),
    ],
)
def test_the_last_attempt_and_the_retired_result_say_where_it_is(
    tmp_path: Path, ending: Ending, keep_until: float, expected: Ended
) -> None:
    async def check() -> Fate:
        queue = QueueDb.open(tmp_path)
        recipients = (NewRecipient(path=ADDRESS),)
        body = Body.of(b"x\r\n")
        message = NewMessage(
            sender_account="jane",
            reverse_path=ADDRESS,
            recipients=recipients,
            body=body,
            message_id="<1@x>",
            keep_result_s=60.0,
        )
        (number,) = await queue.add(message)
        assert (await queue.find(QueueFilter()))[0].keep_result_s == 60.0
        assert (await queue.fate("<1@x>")).error == ""
        done = Attempt(started=1.0, duration_s=1.0, success=ending is Ending.DELIVERED, error="busy", host="mx")
        await queue.finish(
            [Finished(id=number, ending=ending, attempt=done, next_attempt=LATER, keep_until=keep_until)]
        )
        assert (await queue.fate("<2@x>")).ended is Ended.UNKNOWN
        found = await queue.fate("<1@x>")
        queue.close()
        return found

    fate = asyncio.run(check())
    assert fate.ended is expected
    assert fate.error == ("" if expected is Ended.UNKNOWN else "busy")
    assert fate.next_attempt == (LATER if expected is Ended.WAITING else 0.0)
