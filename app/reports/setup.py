"""What sending reports is given by the program that runs it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.clock import SYSTEM, Clock
from app.config.lookup import Directory
from app.store.queuedb import QueueDb
from app.store.serverdb import ServerDb
from app.trust.dkim.sign import Selector
from app.trust.lookup import Resolver
from app.wire.domain import Domain


class Configured(Protocol):
    """The configuration in use; `app.config.live.Live` is one."""

    @property
    def directory(self) -> Directory:
        """The newest snapshot."""
        ...

    def selectors(self, domain: Domain) -> tuple[Selector, ...]:
        """With which keys mail of this domain is signed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that is needed. `sleep` and `between` are for tests."""

    live: Configured
    queue: QueueDb
    server: ServerDb
    resolver: Resolver
    clock: Clock = SYSTEM
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    between: Callable[[float, float], float] = field(default=random.uniform)  # no secret

    @property
    def hostname(self) -> Domain:
        """Ours: who the reports are from."""
        return self.live.directory.static.hostname
