"""INPROGRESS: a client that waits is told so, and only then (RFC 9585)."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from app.imapserver.commands.progress import Steps
from app.store.account.progress import Progress
from tests.imapserver.world import World
from tests.support.accounts import add_now, simple_message


async def signed_in(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'0 LOGIN jane@example.com "correct horse"\r\n1 SELECT Inbox\r\n')
    while not (await reader.readline()).startswith(b"1 OK"):
        pass
    return reader, writer


class BusyWriter:
    """Keeps the writer of the account from its next transaction until `free` is called."""

    def __init__(self, world: World) -> None:
        self._begun, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=world.jane.write_now, args=(self._wait,))
        self._thread.start()
        assert self._begun.wait(10)

    def _wait(self, tx) -> None:
        self._begun.set()
        assert self._end.wait(10)

    def free(self) -> None:
        self._end.set()
        self._thread.join()


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (b"STORE 1 +FLAGS.SILENT (\\Deleted)", b"OK stored"),
        (b"COPY 1 Archive", b"OK [COPYUID"),
        (b"MOVE 1 Archive", b"OK moved"),
        (b"EXPUNGE", b"OK expunged"),
    ],
)
def test_client_that_waits_for_the_store_is_told_again_and_again(world: World, command: bytes, last: bytes):
    world.progress_interval_s = 0.001
    add_now(world.jane, simple_message(1))

    async def talk(port: int) -> None:
        reader, writer = await signed_in(port)
        busy = BusyWriter(world)
        writer.write(b"t " + command + b"\r\n")
        for _ in range(3):
            assert await reader.readline() == b'* OK [INPROGRESS ("t" NIL NIL)] still at it\r\n'
        busy.free()
        while not (line := await reader.readline()).startswith(b"t "):
            pass
        assert line.startswith(b"t " + last)
        writer.write(b"n NOOP\r\n")
        assert b"INPROGRESS" not in await reader.readuntil(b"n OK done\r\n")

    world.serve(talk)


@pytest.mark.parametrize("command", [b"SEARCH", b"SORT (DATE) UTF-8", b"THREAD REFERENCES UTF-8"])
def test_search_is_counted(world: World, command: bytes):
    world.progress_interval_s = 0.0  # whenever the event loop has a turn
    for number in range(300):
        add_now(world.jane, simple_message(number))

    async def talk(port: int) -> None:
        reader, writer = await signed_in(port)
        told: list[tuple[int, int]] = []
        while not told:
            writer.write(b"t " + command + b" LARGER 1 NOT HEADER X-None nothing\r\n")
            while not (line := await reader.readline()).startswith(b"t OK"):
                # As often as the event loop has a turn: the whole of it may be longer than a stream reader looks.
                found = re.search(rb'\[INPROGRESS \("t" (\d+) (\d+)\)\]', line)
                told += [(int(found[1]), int(found[2]))] if found else []
        assert told == sorted(told)
        assert all(done < goal == 300 for done, goal in told)

    world.serve(talk)


def test_quick_command_is_not_told(world: World):
    add_now(world.jane, simple_message(1))
    world.run(
        """
        C: a EXAMINE Inbox
        S: /(\\* .*|a OK .*)/
        """
        + "S: /\\* .*/\n" * 10
        + """
        S: /a OK .*/
        C: b SEARCH ALL
        S: * SEARCH 1
        S: b OK searched
        """,
        signed_in=True,
    )


def test_steps_are_told_once_in_each_interval_and_not_at_the_end():
    told = []

    class Client:
        """A session as Steps see it, with a clock that is set by hand."""

        now = 0.0

        def __init__(self):
            self.account = self.clock = self.connection = self.service = self

        def monotonic(self):
            return self.now

        progress_interval_s = 10.0

        def untagged_ok(self, text, code):
            told.append(code.text)

    client = Client()
    steps = Steps(client, "t")
    for client.now, done in ((9.9, 1), (10, 2), (15, 3), (21, 4), (99, 5)):
        steps.tell(done, 5)
    assert told == ['INPROGRESS ("t" 2 5)', 'INPROGRESS ("t" 4 5)']


def test_count_stays_below_the_goal():
    progress = Progress()
    seen = [(row, progress.done, progress.goal) for row in progress.count(["a", "b"])]
    assert seen == [("a", 0, 2), ("b", 1, 2)]
    assert list(Progress().count([])) == []
