"""What DNS says of the records of a domain, for pages that ask again and again.

Pages ask every few seconds; the name servers are asked at most every `FRESH_S` seconds for each domain, and once for
all who ask at the same time. A round that takes longer than `PATIENCE_S` goes on, and the next who asks gets it. How
the world is reached comes in, so that tests have a network of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.clock import SYSTEM, Clock
from app.errors import MailError
from app.net.authority import AuthoritativeServers
from app.operations.dnscheck.dialling import Dialler
from app.operations.dnscheck.states import RecordState, states
from app.operations.dnsrecords import Record
from app.trust.lookup import Resolver
from app.wire.domain import Domain

FRESH_S = 10.0
PATIENCE_S = 8.0
MAX_DOMAINS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The answer to one round of questions."""

    wanted: Sequence[Record]
    looked: float  # when, in seconds since 1970
    states: Sequence[RecordState] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    wanted: Sequence[Record]
    began: float  # monotonic
    task: asyncio.Task[Round]


@dataclass(slots=True, kw_only=True)
class DnsWatch:
    """The last round for each domain that somebody looks at."""

    clock: Clock = SYSTEM
    authority: Callable[[Resolver], AuthoritativeServers] = AuthoritativeServers
    dialler: Dialler | None = None  # for the check of a whole domain; None connects for real
    _rounds: dict[Domain, _Asking] = field(default_factory=dict)

    async def look(self, domain: Domain, wanted: Sequence[Record], resolver: Resolver) -> Round | None:
        """The newest round for these records; None while the first one is not over yet."""
        asking = self._rounds.get(domain)
        if asking is None or asking.wanted != wanted or self._is_old(asking):
            asking = self._ask(domain, wanted, resolver)
        done, _ = await asyncio.wait([asking.task], timeout=PATIENCE_S)
        return asking.task.result() if done else None

    def _is_old(self, asking: _Asking) -> bool:
        return asking.task.done() and self.clock.monotonic() - asking.began >= FRESH_S

    def _ask(self, domain: Domain, wanted: Sequence[Record], resolver: Resolver) -> _Asking:
        while len(self._rounds) >= MAX_DOMAINS:
            self._rounds.pop(next(iter(self._rounds))).task.cancel()
        task = asyncio.get_running_loop().create_task(self._round(wanted, resolver))
        asking = _Asking(wanted=wanted, began=self.clock.monotonic(), task=task)
        self._rounds[domain] = asking
        return asking

    async def _round(self, wanted: Sequence[Record], resolver: Resolver) -> Round:
        authority = self.authority(resolver)
        try:
            found = await states(wanted, authority, resolver)
            return Round(wanted=wanted, looked=self.clock.now(), states=found)
        except MailError as error:
            return Round(wanted=wanted, looked=self.clock.now(), failure=str(error))
        finally:
            authority.close()
