"""What server.db remembers of runs of the server, and of what was looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.clock import Clock
from app.store.looks import Grade, Seen
from app.store.runs import MAX_RUNS
from app.store.serverdb import ServerDb


class Ticking(Clock):
    """A second later at each look."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        self.time += 1
        return self.time


def test_a_run_that_was_closed_has_an_end_and_one_that_was_killed_has_none(tmp_path: Path) -> None:
    async def check() -> None:
        first = ServerDb.open(tmp_path, Ticking())
        await first.runs.begin("1")
        first.close()
        killed = ServerDb.open(tmp_path, Ticking())
        await killed.runs.begin("2")
        killed.db.close()
        present = ServerDb.open(tmp_path, Ticking())
        await present.runs.begin("3")
        found = await present.runs.newest(9)
        assert [(run.version, run.ended is not None, run.is_present) for run in found] == [
            ("3", False, True),
            ("2", False, False),
            ("1", True, False),
        ]
        present.close()

    asyncio.run(check())


def test_old_runs_are_forgotten(tmp_path: Path) -> None:
    async def check() -> None:
        server = ServerDb.open(tmp_path, Ticking())
        for number in range(MAX_RUNS + 3):
            await server.runs.begin(str(number))
        assert len(await server.runs.newest(10 * MAX_RUNS)) == MAX_RUNS
        server.close()

    asyncio.run(check())


def test_a_look_remembers_since_when_things_stand_so(tmp_path: Path) -> None:
    async def check() -> None:
        server = ServerDb.open(tmp_path, Ticking())
        for grade in (Grade.FINE, Grade.ACT, Grade.ACT):
            await server.looks.note("dns", [Seen(thing="a", grade=grade, text="x" * 9999)])
        (one,) = await server.looks.all()
        assert one.grade is Grade.ACT
        assert one.since == one.time - 1
        assert len(one.text) < 9999
        await server.looks.note("listing", [Seen(thing="z", grade=Grade.FINE, text="")])
        await server.looks.note("dns", [])
        assert [(one.subject, one.thing) for one in await server.looks.all()] == [("listing", "z")]
        server.close()

    asyncio.run(check())
