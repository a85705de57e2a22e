"""Servers that misbehave at every step of the dialogue: the message arrives once in the end, or its sender hears of it.

Whatever a server does in the first attempt, it behaves afterwards. Then exactly one of two things is true: the message
was taken once, or the sender has one notification; and the queue is empty.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.net import smtpclient
from app.store.queuerecords import QueueFilter
from tests.support.dns import Zone
from tests.support.queues import BODY, message, running_queue
from tests.support.smtpsink import CLOSE, HANG, TORN, TRICKLE, Fault, SmtpSink, make_context

EVERYTHING = QueueFilter()
STEPS = ("greeting", "ehlo", "mail", "rcpt", "data", "body")
FAULTS: dict[str, Fault] = {
    "single bytes": TRICKLE,
    "torn reply": TORN,
    "closed": CLOSE,
    "silence": HANG,
    "endless line": b"250 " + b"x" * 2_000_000,
    "endless continuation": b"250-" + b"more\r\n250-" * 100_000,
    "10,000 lines": b"250-more\r\n" * 10_000 + b"250 end\r\n",
    "10,000 lines of refusal": b"451-more\r\n" * 10_000 + b"451 end\r\n",
    "garbage": b"\0\xff\xfe\x80 what\r\n",
    "bare newline": b"250 ok\n",
    "empty line": b"\r\n",
    "no code": b"hello there\r\n",
    "code out of range": b"999 ok\r\n",
    "code only": b"250\r\n",
    "codes that differ": b"250-fine\r\n550 not fine\r\n",
    "too early": b"354 go\r\n",
    "said twice": b"250 ok\r\n250 ok\r\n",
    "three refusals": b"550 no\r\n550 no\r\n550 no\r\n",
    "leaves": b"421 closing\r\n",
    "later": b"450 4.3.0 later\r\n",
    "never": b"550 5.7.1 never\r\n",
    "control characters": b"550 5.7.1 a\x07b\x1b[2Jc\r\n",
}


def zone() -> Zone:
    return {"a.example": {"A": ["127.0.0.1"]}}


async def story(directory: Path, sink: SmtpSink) -> tuple[list[bytes], list[bytes], int]:
    """What the server took, what the sender was told, and how many attempts there were."""
    async with sink as server, running_queue(directory, zone(), server.port) as bench:
        (number,) = await bench.send(message("x@a.example"))
        for _ in range(3):
            if not await bench.setup.db.find(EVERYTHING):
                break
            await bench.later(1000)
        assert await bench.setup.db.find(EVERYTHING) == []
        attempts = len(await bench.setup.db.attempts(number))
        return [taken.data for taken in server.messages], await bench.inbox(), attempts


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMMAND_S", "DATA_S", "FINAL_S"):
        monkeypatch.setattr(smtpclient, name, 0.3)


@pytest.mark.parametrize("pipelines", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_message_arrives_once_or_its_sender_is_told(tmp_path: Path, fault: Fault, step: str, pipelines: bool) -> None:
    offers = ("PIPELINING", "8BITMIME") if pipelines else ("8BITMIME",)
    sink = SmtpSink(faults={step: [fault]}, offers=offers)
    taken, told, _ = asyncio.run(asyncio.wait_for(story(tmp_path, sink), 20))
    require_one_end(taken, told)


@pytest.mark.parametrize("step", ["starttls", "ehlo"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_trouble_before_tls_does_not_lose_the_message(tmp_path: Path, fault: Fault, step: str) -> None:
    sink = SmtpSink(faults={step: [fault]}, tls=make_context("a.example"))
    taken, told, _ = asyncio.run(asyncio.wait_for(story(tmp_path, sink), 20))
    require_one_end(taken, told)


def require_one_end(taken: list[bytes], told: list[bytes]) -> None:
    """It was taken once, or the sender was told once, in words that do no harm."""
    assert (taken, len(told)) in (([BODY], 0), ([], 1)), (len(taken), told)
    for notice in told:
        assert b"\x07" not in notice
        assert b"\x1b" not in notice
        assert len(notice) < 50_000
