"""An IMAP server in this process: the accounts of a small configuration, on loopback, with and without TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.imapserver.connection import ImapConnection
from app.imapserver.service import ImapService
from app.limits import CONNECTIONS, MESSAGES_PER_COMMAND, ConcurrencyLimit, RateLimit
from app.net.connection import Connection
from app.net.listen import Serving, bind
from app.store.account.check import check
from app.store.account.credentials import Parameters, set_password
from app.store.account.handle import Account
from app.store.accounts import Accounts, AccountSettings
from app.store.signin import SignIn
from tests.support import dialog
from tests.support.certificates import self_signed
from tests.support.configuration import small_live

WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)
PASSWORD = "correct horse"
HOST = "127.0.0.1"
SIGN_IN = ["connect", "S: /\\* OK .*/", 'C: 0 LOGIN jane@example.com "correct horse"', "S: /0 OK .*/"]


class World:
    """The server and its accounts; `jane` has PASSWORD."""

    def __init__(self, directory: Path) -> None:
        self.quota_bytes = 0  # of every account; 0: no limit
        self.progress_interval_s = 10.0
        self.max_messages = MESSAGES_PER_COMMAND
        self.accounts = Accounts(directory / "data", lambda name: AccountSettings(quota_bytes=self.quota_bytes))
        self.signin = SignIn(small_live(directory), self.accounts, parameters=WEAK)
        self.jane.write_now(lambda tx: set_password(tx, PASSWORD, WEAK))
        self.tls = self_signed("localhost")
        self.connections: set[Connection] = set()  # those that are open

    @property
    def jane(self) -> Account:
        """The account that tests sign in to."""
        return self.accounts.open_now("jane")

    def run(self, script: str | Path, *, signed_in: bool = False) -> None:
        """Run a dialog that is given as a file or as lines of text, perhaps after a first connection signed in."""
        name, text = (script.name, script.read_text()) if isinstance(script, Path) else ("script", script)
        lines = [line.strip() for line in text.splitlines()]
        asyncio.run(self._talk(name, SIGN_IN + lines if signed_in else lines))

    async def _talk(self, name: str, lines: list[str]) -> None:
        async def run_dialog(port: int) -> None:
            places = {"imap": dialog.Service(HOST, port)}
            await dialog.Dialog(places, self.tls.client).run_lines(name, lines)

        await self._with_server(run_dialog)

    def serve(self, talk: Callable[[int], Awaitable[None]]) -> None:
        """Run `talk` with the port of a running server."""
        asyncio.run(self._with_server(talk))

    async def _with_server(self, talk: Callable[[int], Awaitable[None]]) -> None:
        serving = Serving()
        self.connections = serving.connections
        sock = bind(HOST, 0)
        await serving.add(sock, lambda: ImapConnection(self._service()))
        try:
            await talk(sock.getsockname()[1])
        finally:
            await serving.stop(grace_s=0)

    def _service(self) -> ImapService:
        return ImapService(
            name="imap",
            hostname="mx.example.com",
            accounts=self.accounts,
            signin=self.signin,
            tls_context=self.tls.server,
            passwords_need_tls=False,
            connections=RateLimit(CONNECTIONS),
            concurrent=ConcurrencyLimit(),
            max_messages=self.max_messages,
            progress_interval_s=self.progress_interval_s,
        )

    def close(self) -> None:
        """Close everything; fails when the account is not consistent."""
        problems = check(self.jane, hashes=True)
        self.signin.close()
        self.accounts.close()
        assert problems == []
