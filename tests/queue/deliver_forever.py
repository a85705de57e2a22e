"""Run by test_crash.py until it is killed: queue messages to a relay and deliver them, telling what was queued.

    python deliver_forever.py DIRECTORY PORT FIRST

Prints the number of a message once it is durably queued. Not a test.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app import log
from app.store.spool import Body
from tests.support.queues import message, relay, running_queue


async def main(directory: Path, port: int, first: int) -> None:
    """Queue by threes, for ever."""
    log.set_levels(log.Level.ERROR)
    async with running_queue(directory, {}, 1, *relay(port)) as bench:
        for number in itertools.count(first, 3):
            group = range(number, number + 3)
            await asyncio.gather(*(bench.setup.db.add(_message(one)) for one in group))
            print(*group, flush=True)


def _message(number: int):
    return message(f"x@d{number % 4}.sink.test", body=Body.of(b"Subject: %d\r\n\r\n" % number))


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
