"""The checks of the machine as a page shows them: each waiting, then found; asked again one by one.

The checks run in the background, all at once. A change of the question throws away what was found for the one before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from quickstart.checks.finding import Check, Context, Finding, Question
from quickstart.checks.table import CHECKS, run_all, run_one


@dataclass(frozen=True, slots=True)
class Row:
    """A check and what it found; None while it runs."""

    check: Check
    finding: Finding | None


@dataclass(slots=True)
class Findings:
    """What is known of the machine."""

    _found: dict[str, Finding] = field(default_factory=dict)
    _question: Question | None = None
    _context: Context | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, context: Context, *, anew: bool) -> None:
        """Ask everything, unless it was asked."""
        if self._question == context.question and not anew:
            return
        for task in self._tasks:
            task.cancel()
        self._question, self._context = context.question, context
        self._found = {}
        self._keep(asyncio.create_task(self._ask_all(context, self._found)))

    def ask_again(self, key: str) -> bool:
        """Ask one question again; False when there is no such check or nothing was asked yet."""
        if self._context is None or key not in {check.key for check in CHECKS}:
            return False
        self._found.pop(key, None)
        self._keep(asyncio.create_task(self._ask_one(self._context, key, self._found)))
        return True

    def rows(self) -> Sequence[Row]:
        """Every check in order."""
        return [Row(check, self._found.get(check.key)) for check in CHECKS]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is being asked any more."""
        return self._question is not None and all(check.key in self._found for check in CHECKS)

    async def wait(self) -> None:
        """Return when everything that was asked is answered; every check is bounded."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def blocking(self) -> Sequence[Row]:
        """What has to be mended before anything can be installed."""
        return [row for row in self.rows() if row.finding is not None and row.finding.blocks]

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        await self.wait()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _ask_all(context: Context, found: dict[str, Finding]) -> None:
        async for result in run_all(context):
            found[result.check.key] = result.finding

    @staticmethod
    async def _ask_one(context: Context, key: str, found: dict[str, Finding]) -> None:
        found[key] = await run_one(context, key)
