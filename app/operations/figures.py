"""Figures that are looked up when Prometheus asks: how the server stands, what waits in the queue, lines of the log.

    figures = Figures(sources)
    await figures.refresh()        # before each exposition

`mox_status` has the worst grade of each subject of the status (0 fine, 1 unknown, 2 look at it, 3 act), so one rule of
an alert is enough for all that is watched there. Looking it up costs a few milliseconds, and is done at most every
`FRESH_S` seconds, however often somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from app import VERSION, metrics
from app.errors import MailError
from app.log import SETTINGS, Level, logger
from app.operations.status.finding import Sources, Subject
from app.operations.status.report import status_of
from app.store.queuelisting import Order
from app.store.queuerecords import QueueFilter

FRESH_S: Final = 30.0

log = logger("operations")

_STATUS = metrics.gauge("status", "How the server stands: 0 fine, 1 unknown, 2 look at it, 3 act.", ("subject",))
_WAITING = metrics.gauge("queue_waiting", "Recipients in the queue, with those on hold.")
_OLDEST = metrics.gauge("queue_oldest_seconds", "How long the oldest recipient of the queue waits.")
_BUILD = metrics.gauge("build_info", "The version that runs.", ("version",))


class Figures:
    """Keeps the figures fresh."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._next = 0.0
        _BUILD.labels(VERSION).set(1)

    async def refresh(self) -> None:
        """Look again, unless that was a moment ago; what cannot be looked up stays as it was."""
        now = self._sources.clock.monotonic()
        if now < self._next:
            return
        self._next = now + FRESH_S
        try:
            await self._queue()
            await self._status()
        except MailError as error:
            log.warn("figures for Prometheus cannot be looked up", err=error)

    async def _queue(self) -> None:
        listing = await self._sources.queue.look_over(QueueFilter(), Order.OLDEST, None, 1)
        _WAITING.set(listing.total)
        now = self._sources.clock.now()
        _OLDEST.set(now - listing.rows[0].queued.queued if listing.rows else 0)

    async def _status(self) -> None:
        found = (await status_of(self._sources)).findings
        for subject in Subject:
            badness = [one.grade.badness for one in found if one.subject is subject]
            _STATUS.labels(subject.value).set(max(badness, default=0))


class _LogLines(Collector):
    """The lines of the log that every logger counts anyway."""

    def collect(self) -> Iterable[Metric]:
        """One counter for each level, with the names of the peer."""
        for level in (Level.INFO, Level.WARN, Level.ERROR):
            word = level.name.lower()
            family = CounterMetricFamily(f"mox_logging_level_{word}", f"Lines of the log with the level {word}.")
            family.add_metric((), SETTINGS.counts[level])
            yield family


REGISTRY.register(_LogLines())
