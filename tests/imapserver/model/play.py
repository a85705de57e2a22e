"""A random walk: several clients and deliveries on one account, beside the reference, one command at a time.

A step is a client and a number that all its choices come from, so that any steps can be left out of a walk that fails
and the rest still means something: that is how `shrink` finds a short one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.store.account.check import check
from tests.imapserver.model import anywhere, selected
from tests.imapserver.model.client import Client
from tests.imapserver.model.stage import Stage
from tests.imapserver.model.wire import Reply

Action = Callable[[Stage, Client], Awaitable[None]]
_ANYWHERE: tuple[tuple[Action, int], ...] = (
    (anywhere.select, 12),
    (anywhere.append, 6),
    (anywhere.deliver, 3),
    (anywhere.status, 3),
    (anywhere.create, 3),
    (anywhere.delete, 1),
    (anywhere.rename, 2),
    (anywhere.subscribe, 1),
    (anywhere.list_mailboxes, 1),
    (anywhere.enable, 2),
    (anywhere.noop, 2),
    (anywhere.idle, 2),
)
_SELECTED: tuple[tuple[Action, int], ...] = (
    (selected.store, 14),
    (selected.fetch, 10),
    (selected.search, 6),
    (selected.copy, 4),
    (selected.move, 4),
    (selected.expunge, 4),
    (anywhere.noop, 2),
    (anywhere.idle, 3),
    (selected.close, 1),
    (selected.unselect, 1),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one client does next."""

    client: int
    seed: int


def walk(seed: int, count: int, clients: int = 4) -> list[Step]:
    """The steps of a walk."""
    dice = random.Random(seed)
    return [Step(dice.randrange(clients), dice.getrandbits(32)) for _ in range(count)]


class Play(Stage):
    """A walk on its stage."""

    def run(self, steps: Sequence[Step]) -> None:
        """Play; raises AssertionError with what was said last."""
        try:
            asyncio.run(self._run(steps))
        except AssertionError as error:
            error.add_note("\n".join(self.history[-12:]))
            raise
        finally:
            problems = check(self.world.jane, hashes=True)
            self.world.signin.close()
            self.world.accounts.close()
        assert problems == []

    async def _run(self, steps: Sequence[Step]) -> None:
        self.clients = [Client(await self.connect()) for _ in range(self._client_count)]
        for step in steps:
            self.dice = random.Random(step.seed)
            await self._step(self.clients[step.client])
            await self._look_at_idlers()
        for client in self.clients:
            await self._end_idle(client)
            await self._do(client, anywhere.noop)
            client.wire.close()
        await asyncio.sleep(0)

    async def _step(self, client: Client) -> None:
        await self._end_idle(client)
        if self.dice.randrange(400) == 0:
            return await self._restart()
        has_mailbox = client.box is not None and self.dice.randrange(4)
        actions, weights = zip(*(_SELECTED if has_mailbox else _ANYWHERE), strict=True)
        await self._do(client, self.dice.choices(actions, weights)[0])
        return None

    async def _do(self, client: Client, action: Action) -> None:
        if client.box is not None and client.box.is_deleted:
            return await self._part(client)
        return await action(self, client)

    async def _part(self, client: Client) -> None:
        """The mailbox was deleted by another client: a client is told so, and comes back."""
        reply = await self.say(client, "NOOP")
        assert client.wire.is_closed
        assert reply.lines[-1].startswith(b"* BYE"), reply
        await self.come_back(client)

    async def _restart(self) -> None:
        """The server stops and starts."""
        self.history.append("restart")
        for client in self.clients:
            client.leave()
            client.wire.close()
        await asyncio.sleep(0)
        assert check(self.world.jane) == []
        await asyncio.to_thread(self.world.accounts.close)
        await self.world.accounts.open("jane")
        for client in self.clients:
            await self.come_back(client)

    async def _look_at_idlers(self) -> None:
        """A client that idles knows at once what the others did."""
        for _ in range(3):
            await asyncio.sleep(0)
        for client in self.clients:
            if not client.idle_tag:
                continue
            lines = client.wire.take()
            self.history += [f"{self.clients.index(client)} S: {line!r}" for line in lines]
            if client.box is not None and client.box.is_deleted:
                assert b"".join(lines[-1:]).startswith(b"* BYE"), lines
                await self.come_back(client)
            else:
                client.hear(Reply(lines, "", ""))

    async def _end_idle(self, client: Client) -> None:
        if client.idle_tag:
            client.wire.send_line(b"DONE\r\n")
            reply = await client.wire.reply(client.idle_tag)
            client.idle_tag = b""
            assert reply.status == "OK", reply
            client.hear(reply)
