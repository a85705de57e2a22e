"""A mailbox is numbered anew under a session: clients are sent away before an old uid reaches another message."""

from __future__ import annotations

import asyncio

import pytest

from app.store.account import mailboxes, numbering
from tests.imapserver.world import HOST, PASSWORD, World
from tests.support.accounts import add_now, simple_message


class Client:
    """A client that has the Inbox selected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @staticmethod
    async def selected(port: int) -> tuple[Client, str]:
        """The client, and what it was told."""
        client = Client(*await asyncio.open_connection(HOST, port))
        await client.ask(f'0 LOGIN jane@example.com "{PASSWORD}"', "0 OK")
        return client, await client.ask("1 SELECT Inbox", "1 OK")

    async def ask(self, command: str, end: str) -> str:
        """Send a command; all lines up to the one that begins with `end`."""
        self._writer.write(command.encode() + b"\r\n")
        heard = ""
        while not heard.rpartition("\r\n")[2].startswith(end):
            heard += "\r\n" + (await asyncio.wait_for(self._reader.readuntil(b"\r\n"), 20)).decode().rstrip()
        return heard

    async def rest(self) -> str:
        """All that comes until the server hangs up."""
        found = (await asyncio.wait_for(self._reader.read(), 20)).decode()
        self._writer.close()
        return found


async def renumber(world: World) -> int:
    """The new uidvalidity."""
    new = await world.jane.write(lambda tx: numbering.renumber(tx, mailboxes.get(tx.db, "Inbox"), keeps_uids=False))
    return new.uidvalidity


@pytest.mark.parametrize("waiting", ["2 IDLE", "2 NOOP"])
def test_session_is_sent_away_and_finds_the_new_numbers_when_it_comes_back(world: World, waiting: str) -> None:
    for number in (1, 2, 3):
        add_now(world.jane, simple_message(number))

    async def talk(port: int) -> None:
        client, _ = await Client.selected(port)
        await client.ask(waiting, "+" if "IDLE" in waiting else "2 OK")
        uidvalidity = await renumber(world)
        if "NOOP" in waiting:
            await client.ask("3 UID STORE 2 +FLAGS (\\Deleted)", "* BYE")
        else:
            assert "numbered anew" in await client.rest()
        again, told = await Client.selected(port)
        assert f"[UIDVALIDITY {uidvalidity}]" in told
        assert "* 3 EXISTS" in told
        await again.ask("4 LOGOUT", "4 OK")

    world.serve(talk)
    assert world.jane.read_now(lambda db: db.execute("SELECT sum(flags) FROM message").fetchone()) == (0,)
