"""Figures that are looked up when Prometheus asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.log import logger
from app.operations.figures import FRESH_S, Figures
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.operations.status.test_status import Made
from tests.support.measuring import moves, value


def test_the_queue_and_the_status_are_looked_up_at_most_twice_a_minute(tmp_path: Path) -> None:
    made = Made(tmp_path)
    ticks = [0.0]
    made.clock.monotonic = lambda: ticks[0]  # type: ignore[method-assign]

    async def check() -> None:
        figures = Figures(made.sources)
        ticks[0] = FRESH_S
        await figures.refresh()
        assert value("mox_queue_waiting") == 0
        assert value("mox_status", subject="configuration") == 0
        to = parse_address("a@elsewhere.example")
        new = NewMessage(
            sender_account="jane", reverse_path=to, recipients=(NewRecipient(path=to),), body=Body.of(b"x\r\n")
        )
        await made.queue.add(new)
        made.sources.live.domains_path.write_text("Nothing: x\n")
        made.clock.time += 100
        await figures.refresh()
        assert value("mox_queue_waiting") == 0
        ticks[0] += FRESH_S
        await figures.refresh()
        assert value("mox_queue_waiting") == 1
        assert value("mox_queue_oldest_seconds") == 100
        assert value("mox_status", subject="configuration") == 3

    try:
        asyncio.run(check())
    finally:
        made.close()


def test_lines_of_the_log_are_counted_by_level() -> None:
    with moves("mox_logging_level_error_total", by=1), moves("mox_logging_level_info_total", by=0):
        logger("operations").error("something broke")
