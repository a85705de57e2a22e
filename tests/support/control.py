"""A control server over a small configuration, for tests of its operations and of the command line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.clock import SYSTEM
from app.ctl.client import ControlClient, connect
from app.ctl.commands import Controlled, operations
from app.ctl.server import ControlServer, TakeOver
from app.net.resolver import Resolver
from app.operations.dkimrotation import Rotations
from app.operations.imapimport.runs import Imports, network_of
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.serverdb import ServerDb
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.support.configuration import small_live

T = TypeVar("T")


class ControlWorld:
    """A control server over a small configuration, with two messages in the queue."""

    def __init__(self, directory: Path) -> None:
        self.live = small_live(directory)
        self.accounts = Accounts(self.live.data_dir)
        self.queue = QueueDb.open(self.live.data_dir)
        self.stopped = False
        self.server_db = ServerDb.open(self.live.data_dir)
        controlled = Controlled(
            live=self.live,
            accounts=self.accounts,
            queue=self.queue,
            server=self.server_db,
            rotations=Rotations(self.live, self.server_db.rotations, Resolver([]), SYSTEM),
            imports=Imports(self.accounts, network_of(Resolver([]))),
            stop=lambda: self.stop(),
            imap_for=self.imap_for,
        )
        self.server = ControlServer(self.live.data_dir, operations(controlled))

    def stop(self) -> None:
        self.stopped = True

    async def imap_for(self, account: str, login: str) -> TakeOver:
        """Something that says who it is, and then the same as the other side; the real one is in tests/end_to_end."""

        async def take(sock: socket.socket) -> None:
            reader, writer = await asyncio.open_unix_connection(sock=sock)
            writer.write(f"{account} {login}\n".encode())
            self.echo = asyncio.create_task(self._echo(reader, writer))

        return take

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()

    def run_with_client(self, talk: Callable[[ControlClient], T]) -> T:
        """The result of the blocking `talk(client)`."""

        def connected() -> T:
            with connect(self.live.data_dir) as client:
                return talk(client)

        return self.run(connected)

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, run in a thread while the server serves."""

        async def together() -> T:
            self.loop = asyncio.get_running_loop()
            for recipient in ("one@example.org", "two@example.net"):
                await self.queue.add(
                    NewMessage(
                        sender_account="jane",
                        reverse_path=parse_address("jane@example.com"),
                        recipients=(NewRecipient(path=parse_address(recipient)),),
                        body=Body.of(b"Subject: hi\r\n\r\nbody\r\n"),
                        prefix=b"Received: by us\r\n",
                    )
                )
            await self.server.start()
            try:
                return await asyncio.to_thread(work)
            finally:
                await self.server.close()

        try:
            return asyncio.run(together())
        finally:
            self.queue.close()
            self.server_db.close()
