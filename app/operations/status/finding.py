"""What the parts of the status get and give: the objects of a running server, and findings about them.

`Sources` is filled by whoever has these objects: the control socket and the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from app.clock import Clock
from app.config.live import Live
from app.config.static import Static
from app.operations.dkimrotation import Rotations
from app.store.accounts import Accounts
from app.store.looks import Grade
from app.store.queuedb import QueueDb
from app.store.serverdb import ServerDb

MAX_QUOTE = 300


class Subject(Enum):
    """What a finding is about; the values are for people and for scripts."""

    SERVER = "server"
    CONFIGURATION = "configuration"
    CERTIFICATES = "certificates"
    DNS = "DNS"
    BLOCK_LISTS = "block lists"
    QUEUE = "queue"
    DISK = "disk"
    MEMORY = "memory"
    DATA = "data"
    BACKUP = "backup"
    SIGN_INS = "sign-ins"
    REPORTS = "reports"
    JUNK = "junk filter"


@dataclass(frozen=True, slots=True)
class Page:
    """The page of the administrator to do something about it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one thing stands."""

    subject: Subject
    grade: Grade
    title: str
    text: str  # sentences: what it means and what to do next
    quote: str = ""  # words of somebody else
    page: Page | None = None

    @property
    def is_bad(self) -> bool:
        """Whether something does not work, or soon will not."""
        return self.grade is Grade.ACT


class _Wanted(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def is_host(self) -> bool: ...


class _Kept(Protocol):
    @property
    def ends(self) -> float: ...


class _Failed(Protocol):
    @property
    def error(self) -> str: ...


class Automatic(Protocol):
    """A certificate that comes by itself, as `certificates/upkeep` tells of it."""

    @property
    def wanted(self) -> _Wanted: ...
    @property
    def kept(self) -> _Kept | None: ...
    @property
    def failed(self) -> _Failed | None: ...
    @property
    def is_under_way(self) -> bool: ...


class AutomaticCertificates(Protocol):
    """Who looks after them."""

    async def states(self) -> Sequence[Automatic]:
        """All of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the parts look at."""

    live: Live
    accounts: Accounts
    queue: QueueDb
    server: ServerDb
    rotations: Rotations
    clock: Clock
    certificates: AutomaticCertificates | None = None


def is_public(static: Static) -> bool:
    """Whether mail from elsewhere can come in at all: not with a server for tests on this machine."""
    return any(
        listener.smtp is not None and listener.smtp.enabled and not all(ip.is_loopback for ip in listener.ips)
        for listener in static.listeners.values()
    )


def fine(subject: Subject, title: str, text: str, page: Page | None = None) -> Finding:
    """A thing that is as it should be."""
    return Finding(subject=subject, grade=Grade.FINE, title=title, text=text, page=page)


def look(subject: Subject, title: str, text: str, page: Page | None = None, quote: str = "") -> Finding:
    """A thing to look at some day."""
    return Finding(subject=subject, grade=Grade.LOOK, title=title, text=text, page=page, quote=quote[:MAX_QUOTE])


def act(subject: Subject, title: str, text: str, page: Page | None = None, quote: str = "") -> Finding:
    """A thing that does not work, or soon will not."""
    return Finding(subject=subject, grade=Grade.ACT, title=title, text=text, page=page, quote=quote[:MAX_QUOTE])
