"""METADATA where a dialogue file does not reach: other sessions, binary values, and bounds (RFC 5464)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imapserver.commands.metadata import _below
from tests.imapserver.world import World

LOGIN = b'0 LOGIN jane@example.com "correct horse"\r\n'


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: bytes) -> list[bytes]:
    """The lines of the answer, the tagged one last, without tag."""
    writer.write(b"t " + command + b"\r\n")
    lines = []
    while not (line := await reader.readline()).startswith(b"t "):
        assert line, lines
        lines.append(line.rstrip())
    return [*lines, line[2:].rstrip()]


async def signed_in(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LOGIN)
    while not (await reader.readline()).startswith(b"0 OK"):
        pass
    return reader, writer


@pytest.mark.parametrize(
    ("enable", "news"),
    [
        (b"METADATA", [b'* METADATA "" /private/a /private/b', b"* METADATA Inbox /private/c"]),
        (b"METADATA-SERVER", [b'* METADATA "" /private/a /private/b']),
        (b"CONDSTORE", []),
    ],
)
def test_others_are_told_what_changed_only_when_they_enabled_it(world: World, enable: bytes, news: list[bytes]):
    async def talk(port: int) -> None:
        one, other = await signed_in(port), await signed_in(port)
        await ask(*one, b"ENABLE " + enable)
        await ask(*other, b'SETMETADATA "" (/private/a "1" /private/b "2")')
        await ask(*other, b'SETMETADATA Inbox (/private/c "3")')
        assert await ask(*one, b'SETMETADATA Inbox (/private/own "4")') == [*news, b"OK done"]
        assert await ask(*one, b"NOOP") == [b"OK done"]

    world.serve(talk)


def test_client_that_idles_is_told_at_once(world: World):
    async def talk(port: int) -> None:
        one, other = await signed_in(port), await signed_in(port)
        await ask(*one, b"ENABLE METADATA")
        one[1].write(b"i IDLE\r\n")
        assert (await one[0].readline()).startswith(b"+ ")
        await ask(*other, b'SETMETADATA Inbox (/private/c "3")')
        assert await one[0].readline() == b"* METADATA Inbox /private/c\r\n"

    world.serve(talk)


def test_values_of_any_bytes_come_back_as_they_were(world: World):
    async def talk(port: int) -> None:
        reader, writer = await signed_in(port)
        await ask(reader, writer, b'SETMETADATA "" (/private/nul ~{3+}\r\n\0\r\n /private/octets {2+}\r\n\xff\n)')
        writer.write(b't GETMETADATA "" (/private/nul /private/octets)\r\n')
        wanted = b'* METADATA "" (/private/nul ~{3}\r\n\0\r\n /private/octets {2}\r\n\xff\n)\r\nt OK done\r\n'
        assert await reader.readexactly(len(wanted)) == wanted

    world.serve(talk)


def test_bounds_are_told_by_their_codes(world: World):
    async def talk(port: int) -> None:
        client = await signed_in(port)
        large = b'SETMETADATA "" (/private/a {70000+}\r\n' + b"x" * 70000 + b")"
        assert (await ask(*client, large))[-1].startswith(b"NO [METADATA MAXSIZE 65536] ")
        answer = await ask(*client, b'SETMETADATA "" (/private/a {200000}')  # which is not even read
        assert answer[-1].startswith(b"NO [METADATA MAXSIZE 65536] ")
        for start in (0, 500):
            many = b" ".join(b'/private/%d ""' % n for n in range(start, start + 500))
            assert (await ask(*client, b'SETMETADATA "" (' + many + b")"))[-1] == b"OK done"
        answer = await ask(*client, b'SETMETADATA "" (/private/one-more "")')
        assert answer[-1].startswith(b"NO [METADATA TOOMANY] ")
        assert (await ask(*client, b"RENAME Inbox Past"))[-1] == b"OK renamed"

    world.serve(talk)


NAMES = st.lists(st.sampled_from(["a", "b", "a0", "a-"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(names=st.lists(NAMES, unique=True).map(sorted), entry=NAMES)
def test_below_an_entry_is_what_goes_on_with_a_slash(names: list[str], entry: str):
    below = [name for name in names if name.startswith(entry + "/")]
    assert list(_below(names, entry, None)) == below
    assert list(_below(names, entry, 1)) == [name for name in below if name.count("/") == entry.count("/") + 1]
