"""A browser in front of the whole set-up application, with a machine, DNS and a server that tests make up."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.ctl.client import NotRunning
from app.errors import Refusal
from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.dnsrecords import Record
from app.wire.smtp.address import IPAddress
from quickstart import privatefile
from quickstart.application import application
from quickstart.draft import Draft
from quickstart.gate import Rules
from quickstart.publishing import Sight
from quickstart.wizard import SETUP_DIRECTORY, Wizard, World
from tests.support.machines import DictionaryResolver, FakeMachine

ORIGIN = "http://127.0.0.1:8000"
PASSWORD = "correct horse"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@dataclass
class FakeSystem:
    """A machine that can be told what fails, and a server that answers what it is told to."""

    users: set[str] = field(default_factory=set)
    systemd: bool = False
    runs: bool = False
    failure: str = ""
    ends_with: int | None = None
    asked: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    answers: dict[str, object] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    def has_user(self, name: str) -> bool:
        return name in self.users

    async def add_user(self, name: str) -> None:
        if self.failure:
            raise Refusal(self.failure)
        self.users.add(name)

    def has_systemd(self) -> bool:
        return self.systemd

    async def enable_service(self, unit: Path) -> None:
        self.started.append(unit.name)
        self.runs = True

    async def is_enabled(self) -> bool:
        return self.systemd and self.runs

    async def start_server(self, config: Path) -> None:
        self.started.append(config.name)
        self.runs = self.ends_with is None

    def exit_code(self) -> int | None:
        return self.ends_with

    def log_tail(self, config: Path) -> str:
        return "cannot listen on 0.0.0.0:25"

    async def ask(self, data_dir: Path, operation: str, arguments: Mapping[str, object]) -> object:
        if not self.runs:
            raise NotRunning("no server answers")
        self.asked.append((operation, arguments))
        answer = self.answers.get(operation)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def nothing_published(records: Sequence[Record]) -> Sequence[Sight]:
    """DNS before anybody entered anything."""
    return [Sight(badge="bad", word="missing", sentence="Enter it.") for _ in records]


class Nobody:
    """Web hosts and mail servers of which none answers."""

    async def starttls(self, host: str, ip: IPAddress) -> None:
        raise ProbeFailed("closed")

    async def https(self, host: str, ip: IPAddress) -> None:
        raise ProbeFailed("closed")

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        raise ProbeFailed("closed")


@dataclass
class Browser:
    """Sends what a browser would send: cookies, Origin, and the token that the last page had."""

    http: httpx.AsyncClient
    csrf: str = ""

    async def get(self, path: str) -> httpx.Response:
        return self._seen(await self.http.get(path))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        headers = {"Origin": str(self.http.base_url)}
        return self._seen(await self.http.post(path, data={"csrf": self.csrf, **fields}, headers=headers))

    def _seen(self, response: httpx.Response) -> httpx.Response:
        if found := _CSRF.search(response.text):
            self.csrf = found[1]
        return response


class SetupWorld:
    """A set-up in a directory; `restarted` is the same directory after the program was killed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.machine = FakeMachine()
        self.system = FakeSystem()
        self.resolver = DictionaryResolver()
        privatefile.make_directory(directory / SETUP_DIRECTORY)
        self.wizard = self.restarted()

    def restarted(self) -> Wizard:
        """The program anew: nothing is left but the files."""
        world = World(
            directory=self.directory,
            machine=self.machine,
            resolver=self.resolver,
            system=self.system,
            lookout=nothing_published,
            dialler=Nobody(),
        )
        self.wizard = Wizard.open(world)
        return self.wizard

    def browser(self, origin: str = ORIGIN, *, is_tls: bool = False) -> Browser:
        """A browser that has nothing yet."""
        app = application(self.wizard, Rules(is_tls=is_tls, names=("box",)))
        transport = httpx.ASGITransport(app=app)
        return Browser(httpx.AsyncClient(transport=transport, base_url=origin, follow_redirects=True))

    async def claimed(self) -> Browser:
        """A browser that used the link."""
        browser = self.browser()
        response = await browser.post("/claim", code=self.wizard.claims.new_link())
        assert response.status_code == 200
        return browser

    @property
    def draft(self) -> Draft:
        """What is on disk."""
        return self.wizard.file.load()

    async def with_world(self, work: Callable[[Browser], Awaitable[None]]) -> None:
        """Run `work` with a browser that has claimed, and end what runs in the background."""
        try:
            await work(await self.claimed())
        finally:
            await self.wizard.close()
