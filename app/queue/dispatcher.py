"""Takes what is due from the queue, delivers it, and writes down what came of it.

At most ten deliveries run at once, one per recipient domain; a run takes a few messages of its domain one after the
other, so that they share a connection, and then makes room. Whose time has come longest ago goes first, and a domain
that has just had its turn does not keep the others waiting, as it is only one of ten. Where much waits for a domain,
each FAIR_RUN-th run of it takes a message of each sender by turns, so that nobody waits for another's thousands.

An attempt is on disk before it starts. Its result is written while the next message is already on its way, but a
domain is not taken up again before all results of its last run are on disk: what was confirmed is never sent twice,
and if the disk does not take a result it is offered again until it does. `stop` lets what is under way finish for a
moment; what has not started is as if it had never been taken.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from app.errors import MailError, Temporary
from app.log import logger
from app.metrics import gauge
from app.queue import notices
from app.queue.attempt import Attempted, Attempts
from app.queue.gather import Group, gather
from app.queue.links import Links
from app.queue.outcome import Outcome, Result
from app.queue.setup import Setup
from app.routing import retry
from app.store.queuerecords import Attempt, Ending, Finished

MAX_DELIVERIES = 10
MAX_RUN = 20  # recipients that one run takes
FAIR_RUN = 4  # it costs a look at everything that is due for the domain
MAX_LOOK = 1000  # due recipients looked at in one go
LOOK_AGAIN_S = 60.0  # also when nothing is known to be due: the clock may have been set
STORE_AGAIN_S = 5.0
HOUSEKEEPING_S = 600.0

log = logger("queue")
_held = gauge("queue_hold", "Recipients on hold.")


def plan(attempts: int) -> float:
    """Seconds to the next attempt when `attempts` were made before this one."""
    return retry.backoff(attempts, random.uniform(-1, 1))


class Dispatcher:
    """Runs the queue."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._links = Links(setup)
        self._attempts = Attempts(setup, self._links)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._crowded: Counter[str] = Counter()  # runs of domains for which more was due than a run takes
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the queue's `changed` wakes us from now on."""
        self._setup.db.changed = self.kick
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._loop()), loop.create_task(self._keep_house())]

    def kick(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def stop(self, grace_s: float = 3.0) -> None:
        """Take nothing new, wait a moment for what is under way, then break it off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=grace_s)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._links.close()

    async def settled(self) -> None:
        """Wait until nothing is due and nothing runs; for tests and for `queue` commands that wait."""
        while True:
            if self._running:
                await asyncio.wait(list(self._running.values()))
            due = (await self._setup.db.look((), 1)).due
            if not due and not self._running:  # in this order: what was due may have been begun meanwhile
                return
            await asyncio.sleep(0)

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait_s = await self._look()
            except MailError as err:
                log.error("cannot read the queue", err=err)
                wait_s = STORE_AGAIN_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _keep_house(self) -> None:
        """Count what is held, for those who watch, and forget what was kept long enough."""
        while True:
            try:
                _held.set(await self._setup.db.held())
                await self._setup.db.forget_retired()
                if self._setup.mtasts is not None:
                    await self._setup.mtasts.refresh()
            except MailError as err:
                log.error("cannot tidy the queue", err=err)
            await asyncio.sleep(HOUSEKEEPING_S)

    async def _look(self) -> float:
        """Start what is due and there is room for; the seconds until it is worth looking again."""
        while True:
            limit = MAX_LOOK if len(self._running) < MAX_DELIVERIES else 0
            outlook = await self._setup.db.look(self._running, limit)
            by_domain: dict[str, list[int]] = {}
            for one in outlook.due:
                by_domain.setdefault(one.domain, []).append(one.id)
            for domain, ids in list(by_domain.items())[: MAX_DELIVERIES - len(self._running)]:
                self._begin_run(domain, ids)
            # What was looked at may all be for one domain, with others behind it; those are seen without it.
            if len(outlook.due) < MAX_LOOK:
                break
        if outlook.next_due is None:
            return LOOK_AGAIN_S
        return min(max(outlook.next_due - self._setup.clock.now(), 0.01), LOOK_AGAIN_S)

    def _begin_run(self, domain: str, ids: list[int]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(domain, ids))
        self._running[domain] = task
        task.add_done_callback(lambda done: self._end_run(domain, done))

    def _end_run(self, domain: str, task: asyncio.Task[None]) -> None:
        self._running.pop(domain, None)
        if not task.cancelled() and (err := task.exception()) is not None:
            log.error("delivery run broke", err=repr(err))
        self._wake.set()

    async def _choose(self, domain: str, ids: list[int]) -> list[int]:
        """Those of the recipients of a domain, longest due first, that a run takes."""
        if len(ids) <= MAX_RUN:
            self._crowded.pop(domain, None)
            return ids
        self._crowded[domain] += 1
        if self._crowded[domain] % FAIR_RUN:
            return ids[:MAX_RUN]
        return await self._setup.db.by_turns(domain, MAX_RUN)

    async def _run(self, domain: str, ids: list[int]) -> None:
        """Attempt some recipients of one domain, and see that the results are written down."""
        try:
            groups = gather(await self._setup.db.begin(await self._choose(domain, ids), plan))
        except Temporary as err:
            log.error("cannot begin a delivery", err=err)
            await asyncio.sleep(STORE_AGAIN_S)
            return
        writing: list[asyncio.Task[None]] = []
        try:
            if groups and self._attempts.stays_here(groups[0].first):
                # Deliveries into accounts share commits when they come together.
                await asyncio.gather(*(self._attempt_here(group) for group in groups))
                return
            while groups:
                attempted = await self._attempts.make(groups[0])
                groups.pop(0)
                writing.append(asyncio.get_running_loop().create_task(self._write_down(attempted)))
        except asyncio.CancelledError:
            # What was under way may have arrived; it counts as an attempt. The others were not touched.
            await asyncio.shield(self._release(groups[1:]))
            raise
        finally:
            if writing:
                await asyncio.shield(asyncio.gather(*writing, return_exceptions=True))

    async def _attempt_here(self, group: Group) -> None:
        await self._write_down(await self._attempts.make(group))

    async def _release(self, groups: Sequence[Group]) -> None:
        ids = [row.id for group in groups for row in group.rows]
        if ids:
            await self._setup.db.release(ids)

    async def _write_down(self, attempted: Attempted) -> None:
        """Notify, then write the results; the notice first, as a second one is better than none."""
        results = [_final(one) for one in attempted.results]
        finished = [self._finished(one, attempted) for one in results]
        await _insist(lambda: notices.tell(self._setup, results))
        await _insist(lambda: self._setup.db.finish(finished))

    def _finished(self, result: Result, attempted: Attempted) -> Finished:
        row, outcome = result.queued, result.outcome
        account = self._setup.live.directory.dynamic.accounts.get(row.sender_account)
        keep_s = max(account.keep_retired_message_period if account else 0.0, row.keep_result_s)
        is_kept = keep_s > 0 or outcome.ending is Ending.DEFERRED
        return Finished(
            id=row.id,
            ending=outcome.ending,
            attempt=_attempt(outcome, attempted),
            dialogue=attempted.dialogue.text() if attempted.dialogue and is_kept else "",
            keep_until=self._setup.clock.now() + keep_s if keep_s > 0 else 0.0,
        )


def _final(result: Result) -> Result:
    """A failure that would be tried again is one for good when it was the last attempt."""
    row, outcome = result.queued, result.outcome
    if outcome.ending is Ending.DEFERRED and retry.is_last(row.attempts, row.max_attempts):
        return Result(row, replace(outcome, ending=Ending.FAILED))
    return result


def _attempt(outcome: Outcome, attempted: Attempted) -> Attempt:
    return Attempt(
        started=attempted.started,
        duration_s=attempted.duration_s,
        success=outcome.ending is Ending.DELIVERED,
        code=outcome.reply.code if outcome.reply else 0,
        enhanced=outcome.code,
        error=outcome.error,
        host=outcome.host,
        ip=outcome.ip,
        security=attempted.security,
    )


async def _insist(write: Callable[[], Awaitable[None]]) -> None:
    """Do it, again and again while the disk does not take it."""
    while True:
        try:
            await write()
        except Temporary as err:
            log.error("cannot write down what became of a delivery, will try again", err=err)
            await asyncio.sleep(STORE_AGAIN_S)
        except MailError as err:  # such as a message that an operator has dropped meanwhile
            log.warn("what became of a delivery is not written down", err=err)
            return
        else:
            return
