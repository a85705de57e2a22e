"""Killed at any moment, the queue loses nothing, and sends again only what was under way."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

from tests.support.queues import relay, running_queue
from tests.support.smtpsink import SmtpSink

ROUNDS = 6
SCRIPT = Path(__file__).with_name("deliver_forever.py")


def test_kill_loses_nothing_and_repeats_only_what_was_under_way(tmp_path):
    async def scenario() -> None:
        queued: list[int] = []
        async with SmtpSink() as sink:
            for number in range(ROUNDS):
                queued += await run_and_kill(tmp_path, sink.port, number * 100_000)
            async with running_queue(tmp_path, {}, 1, *relay(sink.port)) as bench:
                await bench.dispatcher.settled()
                await bench.later(20)  # interrupted attempts are repeated after ten seconds
                await bench.later(100_000)
        arrived = Counter(int(taken.data.split()[1]) for taken in sink.messages)
        assert len(queued) > ROUNDS
        assert set(queued) <= set(arrived)
        # Per kill, each of the four domains may have had one message whose reply or whose result was not yet on disk,
        # and the results of a run are written while its next message is under way.
        repeated = sum(count - 1 for count in arrived.values())
        assert repeated <= ROUNDS * 4 * 3

    asyncio.run(asyncio.wait_for(scenario(), 120))


async def run_and_kill(directory: Path, port: int, first: int) -> list[int]:
    """What was durably queued before the kill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(directory), str(port), str(first), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    wanted = random.randint(1, 30)
    lines = []
    for _ in range(wanted):
        lines.append(await process.stdout.readline())
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [int(word) for line in lines if line.endswith(b"\n") for word in line.split()]
