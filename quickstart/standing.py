"""What the last page's checklist wants to know and nobody has asked before: looked at in the background, while read.

The certificates are those of mox.conf as it is on disk, which somebody may have changed since; the web hosts are asked
over their public names; systemd is asked whether it starts the server. Until a look has ended, its facts are unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.certificates.standing import hosts_are_certified
from app.clock import Clock
from app.config.live import Live
from app.errors import MailError
from app.operations.certificates import are_trusted, certificates
from app.operations.dnscheck.dialling import Dialler
from app.operations.webreach import is_web_reachable
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from quickstart.system import System

FRESH_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked with."""

    resolver: Resolver
    dialler: Dialler
    system: System
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found; None is what cannot be told."""

    starts_at_boot: bool | None = None
    certificate_trusted: bool | None = None
    web_reachable: bool | None = None


@dataclass(slots=True)
class Standing:
    """The looks at one installed server."""

    config: Path  # mox.conf
    domain: Domain
    asked: Asked
    seen: Seen = field(default_factory=Seen)
    _ended: float = float("-inf")
    _task: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Somebody looks at the list: look again in the background, unless that was just done."""
        is_busy = self._task is not None and not self._task.done()
        if not is_busy and self.asked.clock.monotonic() - self._ended >= FRESH_S:
            self._task = asyncio.create_task(self.look())

    async def look(self) -> None:
        """Ask everything once."""
        asked = self.asked
        trusted, boots, web = await asyncio.gather(
            asyncio.to_thread(_trusted, self.config, asked.clock.now),
            _starts_at_boot(asked.system),
            is_web_reachable(self.domain, asked.resolver, asked.dialler, has_policy=True),
        )
        self.seen = Seen(starts_at_boot=boots, certificate_trusted=trusted, web_reachable=web)
        self._ended = asked.clock.monotonic()

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _trusted(config: Path, now: Callable[[], float]) -> bool | None:
    try:
        live = Live.open(config)
        return are_trusted(certificates(live), now(), hosts_are_certified(live, now()))
    except (MailError, OSError):  # somebody is changing it
        return None


async def _starts_at_boot(system: System) -> bool | None:
    """Where there is no systemd nothing of ours starts it."""
    return system.has_systemd() and await system.is_enabled()
