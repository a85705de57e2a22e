"""Any bytes as a message, through the whole server: each has a reply of its own, and nothing goes wrong inside.

A client that was refused a few times is answered slowly and then sent away, so each message has its own connection.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path

from app.log import SETTINGS
from app.smtpserver.rates import Rates
from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import seeds_of
from tests.fuzz.test_targets import INPUTS
from tests.smtpserver.judgedworld import JudgedWorld
from tests.support.dialog import Service

MAX_SIZE = 1 << 14
MAX_S = 20.0  # for one reply
ENVELOPES = (b"MAIL FROM:<ann@sender.example>", b"MAIL FROM:<>", b"MAIL FROM:<x@list.example> BODY=8BITMIME SMTPUTF8")
SMUGGLING = b"500 5.5.2"
LINE_END = re.compile(rb"\r\n|\r|\n")
OWN_TROUBLE = re.compile(r" l=error |Traceback")


async def reply_to(port: int, envelope: bytes, message: bytes) -> bytes:
    """The reply to one message, sent as clients do."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(MAX_S):
            writer.write(b"EHLO out.sender.example\r\n")
            while not (await reader.readline()).startswith(b"250 "):
                pass
            writer.write(envelope + b"\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n")
            lines = [await reader.readline() for _ in range(3)]
            assert [line[:3] for line in lines] == [b"250", b"250", b"354"], lines
            writer.write((b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b"\r\n.\r\nQUIT\r\n")
            reply = await reader.readline()
            rest = await reader.read()
            # After a lone CR or LF nobody knows where the message ends, so the connection does instead of QUIT.
            assert rest[:3] == b"221" and rest.count(b"\n") == 1 if reply[:9] != SMUGGLING else not rest, (reply, rest)
            return reply
    finally:
        writer.close()


def inputs() -> list[bytes]:
    """The seeds, and what becomes of them, mostly with whole line ends; the same each time."""
    mutator, pool = Mutator(2), seeds_of("message")
    made = [mutator.make(pool)[:MAX_SIZE] for _ in range(INPUTS // 2)]
    return [*pool, *made[::5], *(LINE_END.sub(b"\r\n", one) for one in made)]


def test_any_message_has_one_reply(tmp_path: Path) -> None:
    lines: list[str] = []
    usual, SETTINGS.write = SETTINGS.write, lines.append
    replies: list[bytes] = []
    world = JudgedWorld(tmp_path)
    world.resources = dataclasses.replace(world.resources, rates=Rates(is_limited=False))

    async def work(places: dict[str, Service]) -> None:
        for number, message in enumerate(inputs()):
            replies.append(await reply_to(places["smtp"].port, ENVELOPES[number % len(ENVELOPES)], message))

    try:
        world.run_with(work)
    finally:
        SETTINGS.write = usual
        world.close()
    assert {b"2", b"5"} <= {reply[:1] for reply in replies} <= {b"2", b"4", b"5"}
    assert len({reply[:9] for reply in replies}) >= 3
    assert not (found := [line for line in lines if OWN_TROUBLE.search(line)]), found[0]
