"""`queue retired`: what is remembered of mail that was delivered or given up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.queuerecords import Attempt, Ending, Finished, QueueFilter
from tests.support.control import ControlWorld


def end_both(world: ControlWorld) -> None:
    """One is delivered, the other given up."""

    async def end() -> None:
        rows = await world.queue.find(QueueFilter())
        await world.queue.begin([row.id for row in rows], lambda attempts: 60.0)
        for row, ending in zip(rows, (Ending.DELIVERED, Ending.FAILED), strict=True):
            is_done = ending is Ending.DELIVERED
            attempt = Attempt(started=1e9, duration_s=2.0, success=is_done, error="" if is_done else "no such user")
            result = Finished(id=row.id, ending=ending, attempt=attempt, dialogue="S: 250 ok", keep_until=1e12)
            await world.queue.finish([result])

    asyncio.run_coroutine_threadsafe(end(), world.loop).result(20)


def test_remembered_mail_is_listed_by_what_became_of_it_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ControlWorld(tmp_path)
    retired = ["-config", str(world.live.path), "queue", "retired"]

    def listed(*flags: str) -> list[str]:
        assert main([*retired, "list", *flags]) == 0
        return [line.split()[0] for line in capsys.readouterr().out.splitlines()]

    def work() -> None:
        assert main([*retired, "list"]) == 0
        assert "no mail is remembered" in capsys.readouterr().out
        end_both(world)
        assert listed() == ["2", "1"]
        assert listed("-result", "failure") == ["2"]
        assert listed("-to", "@example.org") == ["1"]
        assert listed("-account", "jane", "-n", "1") == ["2"]
        assert listed("-lastactivity", "<-1h") == ["2", "1"]
        assert listed("-lastactivity", ">-1h") == ["no"]
        assert main([*retired, "print", "2"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["success"] is False
        assert told["tried"][0]["error"] == "no such user"
        assert told["tried"][0]["dialogue"] == "S: 250 ok"
        assert main([*retired, "print", "0"]) == 1
        assert main([*retired, "list", "-result", "perhaps"]) == 2

    world.run(work)
