"""The same odd messages here and in a Dovecot: every answer is the same, or an RFC says why ours differs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.wire.message.dates import parse_date
from app.wire.message.decode import ENCODINGS
from app.wire.message.header import find_field
from app.wire.message.part import Part, parse_message
from tests.end_to_end import oddmail
from tests.end_to_end.dovecot import ImapPeer, dovecot
from tests.imapserver.world import HOST, World

LINE_BYTES = 1 << 20
WHOLE = (b"ENVELOPE", b"BODYSTRUCTURE", b"BODY", b"RFC822.SIZE")
SECTIONS = (b"", b"HEADER", b"TEXT", b"HEADER.FIELDS (FROM SUBJECT TO)", b"HEADER.FIELDS.NOT (FROM CONTENT-TYPE)")
OF_PART = (b"", b".MIME")
OF_MESSAGE = (b".HEADER", b".TEXT", b".HEADER.FIELDS (SUBJECT)")
PLACEHOLDERS = (b"MISSING_MAILBOX", b"MISSING_DOMAIN", b"SYNTAX_ERROR")
DISPOSITION, LANGUAGE = -3, -2  # places in a BODYSTRUCTURE, from its end

# CPython's messages that two readers may see differently, and why ours is right.
CPYTHON = {
    "msg_14": "`Content-Type: text` is no type: text/plain (RFC 2045 §5.2)",
    "msg_19": "a text without any header: all of it is text; Dovecot takes its first lines for fields (RFC 5322 §2.2)",
    "msg_29": "parts that are not percent-encoded may stand beside others (RFC 2231 §4.1); joined, all are",
    "msg_32": "a parameter written `charset*` is a charset (RFC 2231 §4), no default is added to it",
    "msg_33": "the order of parameters has no meaning (RFC 2045 §5.1); ours is the message's",
}
READABLE = "what can be read of a damaged Content-Type counts, and text/plain if nothing can (RFC 2045 §5.2)"
FIRST = "of two fields of a name the first text counts; there must not be two (RFC 5322 §3.6)"
# Damaged messages that two readers see differently, and why ours is right.
DAMAGED = {
    **dict.fromkeys((0, 60, 83, 95, 124, 134, 136, 143, 188), READABLE),
    **dict.fromkeys((72, 81, 89, 173), FIRST),
    **dict.fromkeys((26, 27), "the first word of an encoding counts, whatever got into its line"),
    **dict.fromkeys((56, 187), "a header section that is cut off gets the end of its line and an empty line"),
    36: "a name in front of an address goes before a comment behind it",
    99: "a domain counts as far as it can be read",
    151: "a first line that begins with a blank would go on with the fields put in front, so all of it is text",
}
# From fields that say something else here: value, our answer, Dovecot's (None for words of its own), why ours is right.
AUTHORS: list[tuple[bytes, Any, Any, str]] = [
    (
        b"a . b @ example . com",
        [[None, None, b"a.b", b"example.com"]],
        [[b"a. b", None, None, None]],
        "blanks around dots mean nothing (RFC 5322 §4.4, obs-local-part, obs-domain)",
    ),
    (
        b"a@x.org,, c@x.org",
        [[None, None, b"a", b"x.org"], [None, None, b"c", b"x.org"]],
        [[None, None, b"a", b"x.org"], [None, None, None, None], [None, None, b"c", b"x.org"]],
        "an empty member of a list is allowed and is no address (RFC 5322 §4.4, obs-mbox-list)",
    ),
    (
        b"<@relay.org:a@x.org>",
        [[None, None, b"a", b"x.org"]],
        [[None, b"@relay.org", b"a", b"x.org"]],
        "a route is accepted and ignored (RFC 5322 §4.4, obs-route)",
    ),
    (
        b"a@x.org; b@x.org",
        [[None, None, b"a", b"x.org"], [None, None, b"b", b"x.org"]],
        [[None, None, b"a", b"x.org"]],
        "not allowed (RFC 5322 §3.4); no address that a person may see is hidden",
    ),
    (
        b"<a@x.org",
        [[None, None, b"a", b"x.org"]],
        [[None, None, b"a", None]],
        "not allowed (RFC 5322 §3.4); the address is there",
    ),
]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why the two may answer otherwise for a message: what must be true of it."""

    reason: str
    holds: Callable[[bytes], bool]


def _leaves(message: bytes) -> list[Part]:
    root = parse_message(message)
    parts = [part for _, part in numbered(root)]
    return [part for part in parts if not part.children and part.message is None]


UNREADABLE = Excuse(
    "text in an unknown encoding is looked at as it is, Dovecot leaves it out; so is what must not be encoded but says"
    " it is (RFC 2046 §5.2.2). RFC 9051 §6.4.4: servers are allowed to implement flexible matching",
    lambda message: any(
        part.encoding not in ENCODINGS
        or part.content_type.type == "message"
        or re.search(rb"content-transfer-encoding:[ \t]*\r\n", message, re.IGNORECASE)
        for part in _leaves(message)
    ),
)
UNLABELLED = Excuse(
    "bytes that are not ASCII in a text or field that names no charset, or an unknown one, mean nothing by RFC 2045"
    " §5.2 and RFC 5322 §2.2; we take them for what they look like",
    lambda message: not message.isascii(),
)
NO_TYPE = Excuse(
    "`Content-Type: text` is no type: text/plain (RFC 2045 §5.2)",
    lambda message: re.search(rb"(?i)content-type: text[;\r]", message) is not None,
)
NO_DATE = Excuse(
    "RFC 9051 §6.4.4 asks for a Date field that is earlier or later; a missing date, or one that is none, is neither,"
    " and one that only lacks a blank is one",
    lambda message: _sent(message) is None or b"+0000" in message,
)


def _sent(message: bytes) -> object:
    return parse_date(find_field(message.partition(b"\r\n\r\n")[0] + b"\r\n", "Date") or "")


SEARCHES: dict[bytes, tuple[Excuse, ...]] = {
    b"ALL": (),
    b"FROM example.com": (),
    b"FROM joerg": (),
    b'FROM ""': (),
    b"CHARSET UTF-8 FROM {2+}\r\n\xc3\xb6": (UNLABELLED,),
    b"TO joerg": (),
    b'TO "A B"': (),
    b"CC friends": (),
    b"BCC example": (),
    b"SUBJECT plain": (),
    b'SUBJECT "folded here"': (),
    b'SUBJECT "here and"': (),
    b"HEADER Message-ID m@a": (),
    b'HEADER Reply-To ""': (),
    b'HEADER Content-Type ""': (),
    b"HEADER Content-Type charset": (),
    b"HEADER Sender relay": (),
    b"LARGER 500": (),
    b"SMALLER 400": (),
    b"NOT LARGER 450": (),
    b"OR SUBJECT plain SUBJECT quoted": (),
    b"SENTON 21-Nov-1997": (),
    b"SENTSINCE 1-Jan-1990": (NO_DATE,),
    b"SENTBEFORE 1-Jan-2030": (NO_DATE,),
    b'BODY "two lines"': (),
    b'BODY "one line"': (UNREADABLE,),
    b"BODY signature": (UNREADABLE,),
    b'BODY "hello world"': (UNREADABLE,),
    b"BODY lines": (UNREADABLE,),
    b"BODY boundary": (UNREADABLE,),
    b"BODY content-type": (NO_TYPE,),
    b"BODY preamble": (),
    b"BODY folded": (),
    b"BODY plain": (),
    b"BODY a.txt": (),
    b"CHARSET UTF-8 BODY {5+}\r\ncaf\xc3\xa9": (UNLABELLED, UNREADABLE),
    b"CHARSET UTF-8 BODY {3+}\r\n\xe2\x82\xac": (UNLABELLED, UNREADABLE),
    b"TEXT preamble": (),
    b"TEXT epilogue": (),
    b"TEXT boundary": (),
    b"TEXT content-type": (),
    b"TEXT base64": (),
    b"TEXT attachment": (),
    b"TEXT plain": (),
    b"TEXT image/png": (),
    b'TEXT "what it is"': (),
    b'TEXT "folded twice"': (),
    b'TEXT "empty lines first"': (UNREADABLE,),
    b"CHARSET UTF-8 SUBJECT {3+}\r\n\xe2\x82\xac": (),
}


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    world = World(folder)
    yield world
    world.close()


async def signed_in(port: int) -> ImapPeer:
    peer = ImapPeer(*await asyncio.open_connection(HOST, port, limit=LINE_BYTES))
    await peer.response()
    assert (await peer.ask(b'LOGIN jane@example.com "correct horse"'))[-1].startswith(b"OK")
    return peer


async def fill(peers: tuple[ImapPeer, ...], messages: list[bytes]) -> None:
    for peer in peers:
        await peer.append(messages)
        assert (await peer.ask(b"SELECT INBOX"))[-1].startswith(b"OK")


def numbered(part: Part, prefix: bytes = b"") -> Iterator[tuple[bytes, Part]]:
    """The parts of a message, or of a multipart, with their numbers (RFC 9051 §6.4.5.1)."""
    for number, child in enumerate(part.children or (part,), 1):
        path = prefix + b"%d" % number
        yield path, child
        if child.children or child.message is not None:
            yield from numbered(child.message or child, path + b".")


def items_of(message: bytes) -> list[bytes]:
    items = [*WHOLE, *(b"BODY.PEEK[%b]" % name for name in SECTIONS)]
    for path, part in numbered(parse_message(message)):
        names = OF_PART if part.message is None else OF_PART + OF_MESSAGE
        items += [b"BODY.PEEK[%b%b]" % (path, name) for name in names]
    return items


def same_form(label: bytes, value: Any) -> Any:
    """A value in the one form that both servers' answers are brought to."""
    if label == b"ENVELOPE":
        return envelope(value)
    if label in (b"BODY", b"BODYSTRUCTURE"):
        return structure(value, is_extended=label == b"BODYSTRUCTURE")
    return value


def envelope(value: list[Any]) -> list[Any]:
    """Texts without the blanks at their ends, which folding leaves (RFC 5322 §2.2.3); addresses in one form."""
    return [[address(one) for one in field] if isinstance(field, list) else stripped(field) for field in value]


def address(value: list[Any]) -> list[Any]:
    """Without route (RFC 5322 §4.4), and with nothing for what is missing, where Dovecot writes words of its own."""
    name, _, mailbox, host = value
    return [name, None, *(b"" if part in PLACEHOLDERS else part for part in (mailbox, host))]


def stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, bytes) else value


def structure(value: list[Any], *, is_extended: bool) -> list[Any]:
    """Types, encodings and dispositions in lower case (RFC 2045 §5.1, §6.1, RFC 2183 §2).

    A single language is a list of one, which RFC 9051 §9 allows as well.
    """
    found = list(value)
    if is_extended and isinstance(found[LANGUAGE], bytes):
        found[LANGUAGE] = [found[LANGUAGE]]
    if is_extended and found[DISPOSITION] is not None:
        kind, params = found[DISPOSITION]
        found[DISPOSITION] = [kind.lower(), params]
    count = next((at for at, field in enumerate(found) if not isinstance(field, list)), 0)
    if count:
        children = [structure(child, is_extended=is_extended) for child in found[:count]]
        return [*children, found[count].lower(), *params_first(found[count + 1 :])]
    kind = [found[0].lower(), found[1].lower()]
    rest = [*params_first(found[2:3]), found[3], stripped(found[4]), found[5].lower(), found[6]]
    after = found[7:]
    if kind[0] == b"message" and after and isinstance(after[0], list):
        after[:2] = [envelope(after[0]), structure(after[1], is_extended=is_extended)]
    return [*kind, *rest, *after]


def params_first(fields: list[Any]) -> list[Any]:
    """Names of parameters in lower case (RFC 2045 §5.1)."""
    if not fields or not isinstance(fields[0], list):
        return fields
    names = [text if at % 2 else text.lower() for at, text in enumerate(fields[0])]
    return [names, *fields[1:]]


def is_same(label: bytes, ours: Any, theirs: Any) -> bool:
    """A header section that a delimiter cuts off ends with a line end here, as a whole one does (RFC 9051 §6.4.5.1)."""
    left, right = same_form(label, ours), same_form(label, theirs)
    return bool(left == right or (b"[" in label and left == (right or b"") + b"\r\n"))


async def compare(ours: ImapPeer, theirs: ImapPeer, messages: dict[str, bytes]) -> list[tuple[str, bytes, Any, Any]]:
    different = []
    for seq, (name, message) in enumerate(messages.items(), 1):
        items = items_of(message)
        left, right = await ours.fetch(seq, items), await theirs.fetch(seq, items)
        assert left.keys() == right.keys()
        assert len(left) == len(items)
        different += [
            (name, label, left[label], right[label]) for label in left if not is_same(label, left[label], right[label])
        ]
    return different


def found(responses: list[bytes]) -> list[int]:
    """The numbers of the answer to SEARCH."""
    assert responses[-1].startswith(b"OK"), responses[-1]
    return sorted(int(word) for line in responses if line.startswith(b"* SEARCH") for word in line.split()[2:])


@pytest.fixture(scope="module")
def messages() -> dict[str, bytes]:
    """All odd messages by name."""
    return oddmail.messages()


def test_searches_find_the_same_messages_here_and_in_dovecot(tmp_path: Path, messages: dict[str, bytes]) -> None:
    corpus = [data for name, data in messages.items() if name != "msg_19"]  # its header is Dovecot's alone

    async def talk(port: int) -> None:
        ours = await signed_in(port)
        async with dovecot() as theirs:
            await fill((ours, theirs), corpus)
            different = list[Any]()
            for key, excuses in SEARCHES.items():
                left, right = [set(found(await peer.ask(b"SEARCH " + key))) for peer in (ours, theirs)]
                for seq in left ^ right:
                    if not any(excuse.holds(corpus[seq - 1]) for excuse in excuses):
                        different.append((key, "ours" if seq in left else "Dovecot's", corpus[seq - 1]))
        assert different == []

    with running_world(tmp_path) as world:
        world.serve(talk)


def test_decoded_parts_are_the_same_here_and_in_dovecot(tmp_path: Path, messages: dict[str, bytes]) -> None:
    """Of parts without others in them: of others Dovecot decodes what they hold, which have encodings of their own.

    RFC 2045 §6.4 says that a multipart or message has none that changes its bytes. Dovecot refuses parts with faults,
    and some messages end its process; those prove nothing and are passed over. We decode what can be.
    """
    encoded = {
        name: data
        for name, data in messages.items()
        if name != "msg_19" and any(part.encoding in ("base64", "quoted-printable") for part in _leaves(data))
    }
    compared, different = 0, list[Any]()

    async def compare_one(peers: tuple[ImapPeer, ImapPeer], seq: int, name: str) -> int:
        count = 0
        for path, part in numbered(parse_message(encoded[name])):
            if part.children or part.message is not None:
                continue
            size = (await peers[0].fetch(seq, [b"BINARY.SIZE[%b]" % path])).get(b"BINARY.SIZE[%b]" % path)
            left, right = [
                (await peer.fetch(seq, [b"BINARY.PEEK[%b]" % path])).get(b"BINARY[%b]" % path) for peer in peers
            ]
            if left is not None and size != b"%d" % len(left):
                different.append((name, path, left, size))
            if right is not None and left != right:
                different.append((name, path, left, right))
            count += right is not None
        return count

    async def talk(port: int) -> None:
        nonlocal compared
        ours = await signed_in(port)
        await fill((ours,), list(encoded.values()))
        waiting = list(enumerate(encoded, 1))
        while waiting:
            async with dovecot() as theirs:
                await fill((theirs,), list(encoded.values()))
                with suppress(asyncio.IncompleteReadError):
                    while waiting:
                        compared += await compare_one((ours, theirs), *waiting.pop())

    with running_world(tmp_path) as world:
        world.serve(talk)
    assert different == []
    assert compared > len(encoded) // 2


def test_odd_messages_have_the_same_parts_here_and_in_dovecot(tmp_path: Path, messages: dict[str, bytes]) -> None:
    async def talk(port: int) -> None:
        ours = await signed_in(port)
        async with dovecot() as theirs:
            await fill((ours, theirs), list(messages.values()))
            different = await compare(ours, theirs, messages)
        assert [one for one in different if one[0] not in CPYTHON] == []

    with running_world(tmp_path) as world:
        world.serve(talk)


def test_damaged_messages_are_understood_like_in_dovecot(tmp_path: Path) -> None:
    hurt = oddmail.damaged_messages()

    async def talk(port: int) -> None:
        ours = await signed_in(port)
        async with dovecot() as theirs:
            await fill((ours, theirs), list(hurt.values()))
            different = await compare(ours, theirs, hurt)
        excused = {f"damaged {number}" for number in DAMAGED}
        assert [one for one in different if one[0] not in excused] == []

    with running_world(tmp_path) as world:
        world.serve(talk)


@pytest.mark.parametrize("case", AUTHORS, ids=[case[0].decode() for case in AUTHORS])
def test_what_differs_from_dovecot_differs_for_a_reason(tmp_path: Path, case: tuple[bytes, Any, Any, str]) -> None:
    value, expected, elsewhere, reason = case

    async def talk(port: int) -> None:
        ours = await signed_in(port)
        async with dovecot() as theirs:
            await fill((ours, theirs), [b"From: %b\r\n\r\n" % value])
            left, right = await ours.fetch(1, [b"ENVELOPE"]), await theirs.fetch(1, [b"ENVELOPE"])
        assert left[b"ENVELOPE"][2] == expected, reason
        assert [[None if one in PLACEHOLDERS else one for one in who] for who in right[b"ENVELOPE"][2]] == elsewhere

    with running_world(tmp_path) as world:
        world.serve(talk)
