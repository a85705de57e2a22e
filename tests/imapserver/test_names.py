"""Mailbox names as clients really send them, through their whole life, in modified UTF-7 and UTF-8; and very many."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from app.imapserver.commands.listing import read_names
from app.store.account import mailboxes
from app.store.account.handle import Tx
from app.wire.imap.mailboxname import MAX_BYTES, MAX_LEVELS, write_mailbox
from tests.imapserver.model.wire import Reply, Wire
from tests.imapserver.world import World

NAMES = {
    "quotes": 'say "hello"',
    "backslashes": "C:\\mail\\",
    "wildcards": "100% *new*",
    "ampersand": "R&D",
    "ampersand and dash": "a&-b",
    "looks like UTF-7": "&AOQ-",
    "dots": ".hidden.folder.",
    "spaces at the ends": " a ",
    "braces": "{3}",
    "brackets": "[Gmail]/All (Mail)",
    "tilde": "~peter",
    "umlauts": "Entwürfe/Größe",
    "emoji": "📧/👩‍💻",
    "right to left": "דואר/بريد",
    "below the Inbox": "Inbox/Ünder",
    "not the Inbox": "Inboxes",
    "NIL": "NIL",
    "long": "x" * MAX_BYTES,
    "long in two bytes": "ä" * (MAX_BYTES // 2),
    "deep": "/".join("d" * MAX_LEVELS),
}
MANY = 5000


def talk(world: World, work: Callable[[Wire], Awaitable[None]]) -> None:
    """A session that is signed in."""

    async def run() -> None:
        wire = Wire(world)
        await wire.sign_in()
        await work(wire)
        wire.close()
        await asyncio.sleep(0)

    asyncio.run(run())


async def ok(wire: Wire, text: str) -> Reply:
    """A command that must go well."""
    reply = await wire.command(text)
    assert reply.status == "OK", (text, reply)
    return reply


def written(name: str, *, utf8: bool) -> str:
    """A name as a client sends it."""
    return write_mailbox(name, utf8=utf8).decode()


def escaped(name: str, *, utf8: bool) -> str:
    """A pattern for all that is like the name; `%` and `*` in it are wildcards and fit themselves."""
    return written(name, utf8=utf8) if "%" not in name else '"' + written(name, utf8=utf8).strip('"') + '"'


@pytest.mark.parametrize("utf8", [False, True], ids=["UTF-7", "UTF-8"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_comes_back_as_it_was_sent(world: World, name: str, utf8: bool) -> None:
    here, below = written(name, utf8=utf8), written("renamed/" + name[: MAX_BYTES // 3].strip("/"), utf8=utf8)
    if name.count("/") > 40:
        below = "renamed"

    async def live(wire: Wire) -> None:
        if utf8:
            await ok(wire, "ENABLE UTF8=ACCEPT")
        await ok(wire, f"CREATE {here}")
        assert (await wire.command(f"CREATE {here}")).code == "ALREADYEXISTS"
        listed = await ok(wire, f'LIST "" {escaped(name, utf8=utf8)} RETURN (SUBSCRIBED STATUS (MESSAGES))')
        assert any(line.startswith(b"* LIST") and line.endswith(f'"/" {here}'.encode()) for line in listed.lines), (
            listed
        )
        assert f"* STATUS {here} (MESSAGES 0)".encode() in listed.lines, listed
        known = await ok(wire, 'LSUB "" *')
        assert any(line.endswith(f'"/" {here}'.encode()) for line in known.lines), known
        assert (await wire.command(f"APPEND {here} {{4+}}", b"a: b")).status == "OK"
        selected = await ok(wire, f"SELECT {here}")
        assert b"* 1 EXISTS" in selected.lines
        assert any(line.endswith(f'"/" {here}'.encode()) for line in selected.lines), selected
        await ok(wire, f"RENAME {here} {below}")
        assert (await ok(wire, f"STATUS {below} (MESSAGES)")).lines == [f"* STATUS {below} (MESSAGES 1)".encode()]
        assert (await wire.command(f"SELECT {here}")).code == "NONEXISTENT"
        await ok(wire, f"DELETE {below}")

    talk(world, live)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Cafe\u0301", "Café"),  # as macOS and as Windows write it
        ("INBOX/Sub", "inbox/Sub"),
        ("Work/", "Work"),  # a client that will make some below it (RFC 9051 §6.3.4)
    ],
)
def test_two_spellings_of_one_name(world: World, first: str, second: str) -> None:
    async def make_both(wire: Wire) -> None:
        await ok(wire, "ENABLE UTF8=ACCEPT")
        await ok(wire, f'CREATE "{first}"')
        assert (await wire.command(f'CREATE "{second}"')).code == "ALREADYEXISTS"
        await ok(wire, f'SELECT "{second}"')

    talk(world, make_both)


@pytest.mark.parametrize("name", ["/", "/a", "a//", "a//b", "a/../b", "#news", "x" * (MAX_BYTES + 1)])
def test_a_name_that_cannot_be_is_refused_and_the_session_goes_on(world: World, name: str) -> None:
    async def try_it(wire: Wire) -> None:
        for command in ("CREATE", "SELECT", "DELETE", "RENAME Archive", "SUBSCRIBE"):
            assert (await wire.command(f'{command} "{name}"')).status == "NO"
        await ok(wire, "NOOP")

    talk(world, try_it)


def statements(world: World, work: Callable[[sqlite3.Connection], object]) -> int:
    """How many statements a read takes."""
    seen: list[str] = []

    def count(db: sqlite3.Connection) -> None:
        db.set_trace_callback(seen.append)
        work(db)
        db.set_trace_callback(None)

    world.jane.read_now(count)
    return len(seen)


def test_five_thousand_mailboxes_are_listed_and_renamed_with_little_work(world: World) -> None:
    def make(tx: Tx) -> None:
        for number in range(MANY - 1):
            mailboxes.create(tx, f"tree/{number % 70}/{number}")

    few = statements(world, read_names)
    world.jane.write_now(make)
    assert statements(world, read_names) == few

    async def use(wire: Wire) -> None:
        await ok(wire, "RENAME tree wood/trees")
        for command, word in (
            ('LIST "" wood/trees/%/*', b"* LIST"),
            ('LSUB "" wood/trees/%/*', b"* LSUB"),
            ('LIST "" wood/trees/%/* RETURN (STATUS (MESSAGES UNSEEN HIGHESTMODSEQ))', b"* STATUS"),
        ):
            reply = await ok(wire, command)
            assert sum(line.startswith(word) for line in reply.lines) == MANY - 1
        assert (await ok(wire, 'LIST "" tree*')).lines == []

    talk(world, use)
