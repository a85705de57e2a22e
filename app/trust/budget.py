"""What all checks of one message together may ask of DNS: 64 questions, 256 KiB of answers, half a minute.

    resolver = Budget(resolver)       one for each message, handed to SPF, DKIM, DMARC, ARC and iprev alike

It answers the questions of `lookup.Resolver` by passing them on. An equal question is asked once and its answer, or its
failure, is shared, also among checks that run at the same time; only what is passed on counts. When the budget is spent
every new question raises BudgetSpent, which is LookupFailed: a check takes it for "cannot tell" and says temperror,
and nobody takes it for "does not exist". A hostile message or zone thus costs what a budget allows and not more
(RFC 7208 §11.1). One budget belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from app.trust.lookup import Answer, LookupFailed, Mx, Resolver, Tlsa
from app.wire.smtp.address import IPAddress

MAX_LOOKUPS: Final = 64
MAX_BYTES: Final = 256 * 1024
MAX_SECONDS: Final = 30.0  # after the first question; RFC 5321 §4.5.3.2.6 lets a client wait ten minutes

T = TypeVar("T")
_RECORD_BYTES: Final = 16  # of an address, or beside the names of a record


class BudgetSpent(LookupFailed):
    """The checks of this message have asked as much as they may."""


class Budget:
    """A resolver for the checks of one message."""

    __slots__ = ("_answers", "_bytes", "_ends", "_lookups", "_max_bytes", "_max_lookups", "_resolver")

    def __init__(self, resolver: Resolver, *, max_lookups: int = MAX_LOOKUPS, max_bytes: int = MAX_BYTES) -> None:
        self._resolver = resolver
        self._max_lookups = max_lookups
        self._max_bytes = max_bytes
        self._lookups = 0
        self._bytes = 0
        self._ends: float | None = None  # by the clock of the event loop
        self._answers: dict[tuple[str, str], asyncio.Task[Answer[Any]]] = {}

    @property
    def lookups(self) -> int:
        """How many questions were passed on."""
        return self._lookups

    @property
    def is_spent(self) -> bool:
        """Whether the next new question fails."""
        return self._lookups >= self._max_lookups or self._bytes >= self._max_bytes

    async def mx(self, name: str) -> Answer[Mx]:
        """Mail exchangers, in no order."""
        return await self._ask("MX", name, self._resolver.mx)

    async def addresses(self, name: str) -> Answer[IPAddress]:
        """IPv6 and IPv4 addresses together, which are two questions."""
        return await self._ask("addresses", name, self._resolver.addresses, cost=2)

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        """A records."""
        return await self._ask("A", name, self._resolver.ipv4)

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        """AAAA records."""
        return await self._ask("AAAA", name, self._resolver.ipv6)

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, each with its strings joined."""
        return await self._ask("TXT", name, self._resolver.txt)

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        """The names that reverse DNS gives."""
        return await self._ask("PTR", str(ip), lambda _: self._resolver.ptr(ip))

    async def ns(self, name: str) -> Answer[str]:
        """The names of a zone's servers."""
        return await self._ask("NS", name, self._resolver.ns)

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """TLSA records."""
        return await self._ask("TLSA", name, self._resolver.tlsa)

    async def _ask(
        self, kind: str, name: str, question: Callable[[str], Awaitable[Answer[T]]], cost: int = 1
    ) -> Answer[T]:
        key = (kind, name.lower().rstrip("."))
        task = self._answers.get(key)
        if task is None:
            if self.is_spent or self._lookups + cost > self._max_lookups:
                raise BudgetSpent(name, kind, "the checks of this message have asked too much of DNS")
            self._lookups += cost
            task = asyncio.ensure_future(self._fetch(kind, question, name))
            task.add_done_callback(_look_at)
            self._answers[key] = task
        # A check that runs out of time must not take the answer from the others that wait for it.
        return await asyncio.shield(task)

    async def _fetch(self, kind: str, question: Callable[[str], Awaitable[Answer[T]]], name: str) -> Answer[T]:
        loop = asyncio.get_running_loop()
        if self._ends is None:
            self._ends = loop.time() + MAX_SECONDS
        try:
            async with asyncio.timeout_at(self._ends):
                answer = await question(name)
        except TimeoutError:
            raise BudgetSpent(name, kind, "the checks of this message have waited too long for DNS") from None
        self._bytes += sum(map(_size, answer.records))
        return answer


def _look_at(task: asyncio.Task[Answer[Any]]) -> None:
    """Take note of a failure that nobody waits for any more, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


def _size(record: object) -> int:
    """About how many bytes a record is."""
    if isinstance(record, (bytes, str)):
        return len(record)
    if isinstance(record, Mx):
        return len(record.host) + 2
    return len(record.data) + 3 if isinstance(record, Tlsa) else _RECORD_BYTES
