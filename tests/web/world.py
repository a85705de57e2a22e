"""The pages of a small server in this process, asked as by a browser: real configuration, accounts, queue and database.

with World(tmp_path) as world:
    jane = world.account()                  # signed in; `world.visitor()` is not
    page = jane.get("/account/")
    jane.post("/account/password", {"old": ...})      # with the session's CSRF token, unless told otherwise
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
from starlette.testclient import TestClient

from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.operations.dkimrotation import Rotations
from app.operations.imapimport.network import anywhere
from app.operations.imapimport.runs import Imports, network_of
from app.store.account.credentials import Parameters, hash_password, set_password
from app.store.account.handle import Account
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.receivedids import ReceivedIds
from app.store.serverdb import ServerDb
from app.store.signin import SignIn
from app.store.websessions import file_seal
from app.web.dnswatch import DnsWatch
from app.web.mounts import Mount, MountKind
from app.web.ports import port_app
from app.web.services import Services
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, write_configuration

WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)
PASSWORD = "correct horse"
ADMIN_PASSWORD = "battery staple"
MOUNTS = (
    Mount(kind=MountKind.ACCOUNT, path="/account/"),
    Mount(kind=MountKind.ADMIN, path="/admin/"),
    Mount(kind=MountKind.CLIENT_FILES),
)
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """A browser without scripts: keeps cookies, follows no redirect by itself."""

    def __init__(self, client: TestClient, base: str) -> None:
        self.client = client
        self.base = base
        self.csrf = ""

    def get(self, path: str) -> httpx.Response:
        """A page."""
        return self.client.get(path, follow_redirects=False)

    def follow(self, path: str) -> httpx.Response:
        """A page, or the one that it redirects to."""
        return self.client.get(path, follow_redirects=True)

    def post(self, path: str, fields: Mapping[str, str | list[str]], csrf: str | None = None) -> httpx.Response:
        """Send a form."""
        data = {"csrf": self.csrf if csrf is None else csrf, **fields}
        return self.client.post(path, data=data, follow_redirects=False)

    def sign_in(self, fields: Mapping[str, str]) -> httpx.Response:
        """Fill in the sign-in page; afterwards `csrf` is that of the session."""
        token = csrf_of(self.get(f"{self.base}login"))
        response = self.post(f"{self.base}login", fields, csrf=token)
        if response.status_code == 303:
            self.csrf = csrf_of(self.follow(self.base))
        return response


def csrf_of(page: httpx.Response) -> str:
    """The token in the forms of a page."""
    found = _CSRF.search(page.text)
    assert found is not None, page.text
    return found[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How a test lets the pages reach a world of its own."""

    resolvers: Sequence[Server]
    watch: DnsWatch


class World:
    """A server's objects; leaving the block closes them."""

    def __init__(
        self,
        directory: Path,
        *,
        domains_conf: str = DOMAINS_CONF,
        mox_conf: str = MOX_CONF,
        clock: Clock = SYSTEM,
        network: Network | None = None,
        mounts: Sequence[Mount] = MOUNTS,
    ) -> None:
        (directory / "data").mkdir(exist_ok=True)
        admin = mox_conf.replace("Listeners:", "AdminPasswordFile: adminpasswd\nListeners:", 1)
        path = write_configuration(directory, admin, domains_conf)
        (path.parent / "adminpasswd").write_text(hash_password(ADMIN_PASSWORD, WEAK) + "\n")
        self.live = Live.open(path, files=False)
        self.accounts = Accounts(self.live.data_dir)
        self.server = ServerDb.open(self.live.data_dir, clock)
        self.server.sessions.admin_seal = file_seal(path.parent / "adminpasswd")
        self.signin = SignIn(self.live, self.accounts, clock, parameters=WEAK, record=self.server.attempts.record)
        self.queue = QueueDb.open(self.live.data_dir, clock)
        resolver = Resolver(network.resolvers if network else [])
        self.services = Services(
            live=self.live,
            accounts=self.accounts,
            queue=self.queue,
            signin=self.signin,
            server=self.server,
            resolver=resolver,
            clock=clock,
            rotations=Rotations(self.live, self.server.rotations, resolver, clock),
            imports=Imports(self.accounts, network_of(resolver), anywhere),
            received_ids=ReceivedIds.open(self.live.data_dir),
            dns=network.watch if network else DnsWatch(),
        )
        self.jane.write_now(lambda tx: set_password(tx, PASSWORD, WEAK))
        self._app = port_app(self.services, mounts)
        self._client = TestClient(self._app, base_url="http://mx.example.com", raise_server_exceptions=True)

    @property
    def jane(self) -> Account:
        """The account that tests sign in to."""
        return self.accounts.open_now("jane")

    def __enter__(self) -> World:
        self._client.__enter__()  # one event loop for all requests, as in the real server
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._client.portal is not None:  # its sockets belong to the event loop
            self._client.portal.call(self.services.imports.stop)  # type: ignore[attr-defined]
            self._client.portal.call(self.services.resolver.close)  # type: ignore[attr-defined]
        self._client.__exit__(kind, error, at)
        for one in (self.signin, self.server, self.queue, self.accounts):
            one.close()

    def visitor(self, base: str = "/account/", origin: str = "http://mx.example.com") -> Visitor:
        """Somebody who has not signed in."""
        client = TestClient(self._app, base_url=origin)
        client.portal = self._client.portal
        return Visitor(client, base)

    def account(self) -> Visitor:
        """Jane, signed in to her account."""
        visitor = self.visitor()
        assert visitor.sign_in({"address": "jane@example.com", "password": PASSWORD}).status_code == 303
        return visitor

    def admin(self) -> Visitor:
        """The administrator, signed in."""
        visitor = self.visitor("/admin/")
        assert visitor.sign_in({"password": ADMIN_PASSWORD}).status_code == 303
        return visitor
