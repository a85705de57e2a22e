"""When reports are sent: after each hour those by DMARC whose period has ended, and those about TLS after each day.

    schedule = Schedule(setup)
    schedule.start()
    await schedule.stop()

Reports are spread over time, so that large receivers do not get those of all servers at once. A round also runs soon
after the start, for periods that ended while nothing ran. A round that fails is logged, and what it left is there for
the next, an hour later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from app.errors import MailError
from app.log import logger
from app.metrics import counter
from app.reports import dmarc, tls
from app.reports.setup import Setup
from app.store.evaluations import HOUR_S, Period
from app.store.tlsresults import DAY_S, DayOfDomain

T = TypeVar("T")

AFTER_S: Final = (30.0, 90.0)  # the hour, so that what came at its end is there, and not all servers begin at once
TLS_AFTER_S: Final = (4 * 60.0, 6 * 60.0)
SPREAD_S: Final = 45 * 60.0  # all reports of an hour
TLS_SPREAD_S: Final = 4 * 3600.0  # those of a day
MOST_APART_S: Final = 5 * 60.0

log = logger("reports")
_DMARC_ERRORS = counter("dmarcdb_report_error_total", "DMARC reports that could not be made.")
_TLS_ERRORS = counter("tlsrptsend_report_error_total", "TLS reports that could not be made.")


class Schedule:
    """The tasks that send reports."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, as far as the configuration wants reports."""
        static = self._setup.live.directory.static
        if not static.no_outgoing_dmarc_reports:
            self._tasks.append(asyncio.get_running_loop().create_task(self._repeat(dmarc_round, AFTER_S)))
        if not static.no_outgoing_tls_reports:
            self._tasks.append(asyncio.get_running_loop().create_task(self._repeat(tls_round, TLS_AFTER_S)))

    async def stop(self) -> None:
        """End; what is left is for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, work: Callable[[Setup], Awaitable[None]], after_s: tuple[float, float]) -> None:
        setup = self._setup
        await setup.sleep(setup.between(*after_s))
        while True:
            try:
                await work(setup)
            except MailError as error:
                log.error("reports are not sent now", err=error)
            await setup.sleep(HOUR_S - setup.clock.now() % HOUR_S + setup.between(*after_s))


async def dmarc_round(setup: Setup) -> None:
    """Send what is due by DMARC."""
    now = setup.clock.now()
    periods = await setup.server.evaluations.periods()
    await spread(setup, [one for one in periods if one.end <= now], lambda one: _report(setup, one), SPREAD_S)


async def _report(setup: Setup, period: Period) -> None:
    with _DMARC_ERRORS.count_exceptions():
        if period.is_optional or await dmarc.report(setup, period):
            await setup.server.evaluations.remove(period)


async def tls_round(setup: Setup) -> None:
    """Send what is due about TLS."""
    days = await setup.server.tls_results.days()
    due = [one for one in days if one.day + DAY_S <= setup.clock.now()]
    if due and not tls.can_send(setup):
        log.info("no TLS reports are sent, as there is no DKIM key for the host name or a domain above it")
        return
    await spread(setup, due, lambda one: _report_tls(setup, one), TLS_SPREAD_S)


async def _report_tls(setup: Setup, day: DayOfDomain) -> None:
    with _TLS_ERRORS.count_exceptions():
        if await tls.report(setup, day):
            await setup.server.tls_results.remove(day)


async def spread(setup: Setup, due: Sequence[T], work: Callable[[T], Awaitable[None]], within_s: float) -> None:
    """Do the work for each, with pauses; the failure of one does not keep the others."""
    longest = min(MOST_APART_S, within_s / max(len(due), 1))
    for number, one in enumerate(due):
        if number:
            await setup.sleep(setup.between(longest / 2, longest))
        try:
            await work(one)
        except Exception as error:  # also a fault of ours: the others come after it in each round
            log.error("a report is not sent now", about=str(one)[:200], err=error)
