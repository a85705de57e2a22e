"""A server that judges mail and learns from it without a pause; the crash test ends it in the middle.

    python judge_forever.py DIRECTORY

Prints "port N" when mail can be sent to it. What comes into Jane's Inbox is flagged by turns as wanted and as junk, and
learnt. First contacts wait a moment between the verdict and the store, so that many kills fall into it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from app.smtpserver.rates import Rates  # noqa: E402
from app.wire.imap.flags import JUNK, NOTJUNK  # noqa: E402
from tests.smtpserver.judgedworld import JudgedWorld  # noqa: E402
from tests.support.dialog import Service  # noqa: E402

DELAY_S = 0.01


async def main(directory: str) -> None:
    world = JudgedWorld(Path(directory))
    world.services["smtp"] = dataclasses.replace(world.services["smtp"], first_time_delay_s=DELAY_S)
    world.resources = dataclasses.replace(world.resources, rates=Rates(is_limited=False))
    async with world.serving() as places:
        say_port(places["smtp"])
        for flag in itertools.cycle((NOTJUNK, JUNK)):
            await world.flag_new(flag)
            await world.jane.trainer.finish()
            await asyncio.sleep(0.005)


def say_port(place: Service) -> None:
    sys.stdout.write(f"port {place.port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
