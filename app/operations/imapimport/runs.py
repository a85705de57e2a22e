"""The imports that a server has under way or that have ended since its start, one for an account.

When the server stops, what is known of them stands in the account (`app.store.account.imports`), and the next import
goes on from there.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Final

from app.errors import Refusal
from app.operations.imapimport.network import Network, is_public
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.run import Run
from app.operations.imapimport.wanted import Wanted
from app.operations.mailimport.running import Running
from app.operations.mailimport.uploads import ArchiveImports
from app.store.accounts import Accounts
from app.trust.lookup import Resolver
from app.wire.smtp.address import IPAddress

MAX_STARTS_IN_HOUR: Final = 20  # by a holder, so that nobody tries passwords elsewhere by way of this server


def network_of(resolver: Resolver) -> Network:
    """The world as a resolver knows it."""

    async def addresses(host: str) -> tuple[IPAddress, ...]:
        return (await resolver.addresses(host)).records

    return Network(addresses=addresses)


class Imports(Running[Progress]):
    """All of a server."""

    def __init__(
        self, accounts: Accounts, network: Network, holders_reach: Callable[[IPAddress], bool] = is_public
    ) -> None:
        """`holders_reach` says which addresses holders of accounts may have connected to; operators may all."""
        super().__init__()
        self.archives = ArchiveImports(accounts)  # the other way for mail to come in as a whole
        self._accounts = accounts
        self._network = network
        self._holders_reach = holders_reach
        self._starts: dict[str, deque[float]] = {}

    async def start(self, name: str, wanted: Wanted, *, by_holder: bool) -> Progress:
        """Begin; raises Refusal while the account has one, or the server too many."""
        account = await self._accounts.open(name)
        self.require_free(name, "mail is being taken from another server already; wait until that is done, or end it")
        network = self._network
        if by_holder:
            self._count_start(name)
            network = dataclasses.replace(network, may_reach=self._holders_reach)
        run = Run(wanted, account, network, self._accounts.tmp_dir)
        await self.add(name, run.progress, run.go())
        return run.progress

    def _count_start(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        starts = self._starts.setdefault(name, deque())
        while starts and starts[0] <= now - 3600:
            starts.popleft()
        if len(starts) >= MAX_STARTS_IN_HOUR:
            raise Refusal("this was tried very often within an hour; please wait a while")
        starts.append(now)

    async def stop(self) -> None:
        """End all, those of archives too."""
        await self.archives.stop()
        await super().stop()
