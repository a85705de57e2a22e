"""The imports that a server has under way or that have ended since its start, one for an account.

An import belongs to the server and not to whoever asked for it: a browser may be closed meanwhile. When the server
stops, imports end after the batch that is being stored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from app.errors import Refusal
from app.operations.mailimport.progress import Progress

MAX_RUNNING: Final = 4  # they share the machine with mail that comes in

P = TypeVar("P", bound=Progress)


@dataclass(frozen=True, slots=True)
class _One(Generic[P]):
    progress: P
    task: asyncio.Task[None]


class Running(Generic[P]):
    """All of one kind."""

    def __init__(self) -> None:
        self._runs: dict[str, _One[P]] = {}
        self._beginning: set[str] = set()

    def find(self, account: str) -> P | None:
        """The import of an account, under way or the latest."""
        found = self._runs.get(account)
        return found.progress if found is not None else None

    def require_free(self, account: str, busy: str) -> None:
        """Raises Refusal, with `busy`, while the account has one, or when the server has too many."""
        present = self.find(account)
        if account in self._beginning or (present is not None and not present.is_over):
            raise Refusal(busy)
        if sum(not one.progress.is_over for one in self._runs.values()) >= MAX_RUNNING:
            raise Refusal("others are bringing their mail here right now; try again a little later")

    @contextlib.contextmanager
    def beginning(self, account: str, busy: str) -> Iterator[None]:
        """Keep an account from having another, while what its import needs is got ready; raises Refusal likewise."""
        self.require_free(account, busy)
        self._beginning.add(account)
        try:
            yield
        finally:
            self._beginning.discard(account)

    async def add(self, account: str, progress: P, work: Coroutine[object, object, None]) -> None:
        """Have it done. It has begun when this returns, so ending it lets it note its end."""
        self._runs[account] = _One(progress, asyncio.create_task(work))
        await asyncio.sleep(0)

    async def wait(self, account: str, seconds: float | None = None) -> None:
        """Return when the import is over, or the time."""
        found = self._runs.get(account)
        if found is not None:
            await asyncio.wait([found.task], timeout=seconds)

    async def cancel(self, account: str) -> None:
        """End an import after the batch that is being stored."""
        found = self._runs.get(account)
        if found is not None and not found.task.done():
            found.task.cancel()
            await asyncio.wait([found.task])

    async def stop(self) -> None:
        """End all."""
        for account in tuple(self._runs):
            await self.cancel(account)
