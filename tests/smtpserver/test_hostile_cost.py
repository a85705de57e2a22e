"""What the worst message and the worst zone cost: questions of DNS, and calls of functions, which no clock can blur.

The zone answers every name with as much as a record may have, all of it leading on to more names. The messages make the
most of what the checks look at: signatures that must be hashed, ARC chains that hold, many authors, fields and parts.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import ipaddress
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.junk.features import features_of
from app.smtpserver.arrival import arrival
from app.smtpserver.checks.authentication import MAX_PROOF, Authentication
from app.smtpserver.evidence import Evidence
from app.smtpserver.judging import Sources
from app.store.account.prepare import prepare
from app.store.spool import Body
from app.trust.budget import MAX_LOOKUPS
from app.trust.lookup import Answer, Mx, Resolver
from app.wire.message.part import parse_message
from app.wire.smtp.address import IPAddress
from tests.smtpserver.judgedworld import JudgedWorld
from tests.smtpserver.test_authentication import ORIGIN
from tests.support.dialog import Service
from tests.trust.test_arc import KEY, seal

T = TypeVar("T")
EVIL = dataclasses.replace(ORIGIN, helo="helo.evil.example")
MAX_CALLS = 1_500_000  # the worst of these takes half of it
BLOCK_LIST_LOOKUPS = 4  # two test entries, the client, and what the list says of it


class EvilZone:
    """A resolver for which every name leads to more names."""

    def __init__(self, spf: bytes) -> None:
        self.asked: list[tuple[str, str]] = []
        self._spf = spf

    def _answer(self, kind: str, name: str, *records: T) -> Answer[T]:
        self.asked.append((kind, name))
        return Answer(records, name)

    def _more(self, name: str, count: int) -> list[str]:
        return [f"{'x' * 40}.{len(self.asked)}.{number}.{name}"[-200:].lstrip(".") for number in range(count)]

    async def mx(self, name: str) -> Answer[Mx]:
        return self._answer("MX", name, *(Mx(1, one) for one in self._more(name, 10)))

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        return self._answer("A", name, *(ipaddress.IPv4Address(0xC6336400 + number) for number in range(200)))

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        return self._answer("AAAA", name)

    async def addresses(self, name: str) -> Answer[IPAddress]:
        return await self.ipv4(name)

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        return self._answer("PTR", str(ip), *self._more("ptr.evil.example", 100))

    async def ns(self, name: str) -> Answer[str]:
        return self._answer("NS", name)

    async def tlsa(self, name: str) -> Answer[Any]:
        return self._answer("TLSA", name)

    async def txt(self, name: str) -> Answer[bytes]:
        if "._domainkey." in name:
            return self._answer("TXT", name, KEY.record().encode())
        if name.startswith("_dmarc."):
            return self._answer("TXT", name, *[b"v=DMARC0; p=none" * 10] * 90)
        return self._answer("TXT", name, self._spf.replace(b"#", b"%d.evil.example" % len(self.asked)))


ZONES = {
    "include": b"v=spf1 include:#-1 include:#-2 -all",
    "mail exchangers": b"v=spf1 " + b" ".join(b"mx:%d.#" % number for number in range(10)) + b" -all",
    "macros": b"v=spf1 exists:" + b"%{l10r-}.%{d9r.}" * 7 + b".# ptr:%{p}.# mx:%{p2}.# include:%{ir}.# -all",
    "networks": b"v=spf1 " + b"ip4:1.2.3.4/9 " * 1100 + b"redirect=#",
    "passes": b"v=spf1 mx:a.# +all",
}


def signed_by_many(count: int, body: bytes, names: int = 480) -> bytes:
    """Signatures of which each must be hashed, and is wrong."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    wrong, covered = base64.b64encode(bytes(64)).decode(), "from:subject" + ":x-a" * names
    return "".join(
        f"DKIM-Signature: v=1; a=ed25519-sha256; d=evil{number}.example; s=s;\r\n"
        f" h={covered};\r\n bh={digest};\r\n b={wrong}\r\n"
        for number in range(count)
    ).encode()


def worst(scale: int = 1, authors: str = "ann@a.b.c.d.e.f.g.h.i.evil.example") -> bytes:
    """A message with most of everything, below the size of header up to which signatures are looked at."""
    body = b"hello\r\n"
    message = (
        f"From: {authors}\r\nSubject: {'a  b' * 20_000 * scale}\r\n{f'X-A: b{chr(13)}{chr(10)}' * 5_000 * scale}"
        f"To: {f'a@b.example,{chr(13)}{chr(10)} ' * 2_000 * scale}jane@example.com\r\n\r\n"
    ).encode() + body
    for number in range(1, 11):
        message = seal(message, number, f"list{number}.example")
    return signed_by_many(20 * scale, body) + message


MANY_AUTHORS = ", ".join(f"a@a.b.c.d.e.f.g.h.i.d{number}.example" for number in range(4))
BODIES = {
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(3000)),
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 30_000,
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 8_000,
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<a href=http://x.y/" * 15_000,
    "words": b"\r\n" + b"".join(b"w%d x%d\r\n" % (number, number) for number in range(20_000)),
    "base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"YQ==\r\n" * 40_000,
    "parameters": b"Content-Type: text/plain" + b"; a*0*=x" * 30_000 + b"\r\n\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\n",
    "references": b"References: " + b"<a@b> " * 40_000 + b"\r\n\r\n",
    "comments": b"To: " + b"(" * 200_000 + b"\r\n\r\n",
    "results": b"Authentication-Results: mx.example.com; a=b\r\n" * 5_000 + b"\r\n",
    "fields": b"a:\r\n" * 60_000 + b"\r\n",
}


def authenticate(message: bytes, zone: EvilZone) -> Evidence:
    checks = Authentication(zone, sample=lambda: 0.0)
    return asyncio.run(checks(EVIL, arrival(Body.of(message))))


class Calls:
    """How many functions were called."""

    count = 0


@contextmanager
def counted() -> Iterator[Calls]:
    calls = Calls()

    def note(frame: object, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            calls.count += 1

    threading.setprofile(note)  # type: ignore[arg-type]
    sys.setprofile(note)  # type: ignore[arg-type]
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.parametrize("authors", ["ann@a.b.c.d.e.f.g.h.i.evil.example", MANY_AUTHORS], ids=["one", "many"])
@pytest.mark.parametrize("spf", ZONES.values(), ids=ZONES)
def test_a_zone_is_asked_no_more_than_the_budget(spf: bytes, authors: str):
    zone = EvilZone(spf)
    found = authenticate(worst(authors=authors), zone)
    assert 20 < len(zone.asked) <= MAX_LOOKUPS
    assert len(zone.asked) == len(set(zone.asked)), "the same question was asked twice"
    assert not found.is_validated or found.mail_from is not None


def test_some_zone_spends_the_whole_budget_so_that_the_bound_is_tried():
    zone = EvilZone(ZONES["mail exchangers"])
    assert authenticate(worst(), zone).is_unsure
    assert len(zone.asked) == MAX_LOOKUPS


@pytest.mark.parametrize("spf", ZONES.values(), ids=ZONES)
def test_a_second_recipient_costs_a_small_budget_of_its_own(spf: bytes):
    zone = EvilZone(spf)
    may_send = asyncio.run(Authentication(zone).may_send(EVIL))
    assert may_send or spf is not ZONES["passes"]
    assert len(zone.asked) <= MAX_PROOF


def test_work_for_a_header_grows_no_faster_than_the_header():
    counts = []
    for scale in (1, 2):
        with counted() as calls:
            authenticate(worst(scale), EvilZone(ZONES["macros"]))
        counts.append(calls.count)
    assert counts[1] < 2.2 * counts[0] < MAX_CALLS


@pytest.mark.parametrize("rest", BODIES.values(), ids=BODIES)
def test_work_for_a_message_is_bounded(rest: bytes):
    message = b"From: ann@sender.example\r\n" + rest
    with counted() as calls:
        authenticate(message, EvilZone(ZONES["include"]))
        prepare(Body.of(message))
        features_of(message, parse_message(message))
    assert calls.count < MAX_CALLS


class EvilWorld(JudgedWorld):
    """The server, for which DNS is the zone."""

    def __init__(self, directory: Path, zone: EvilZone) -> None:
        super().__init__(directory)
        self._evil = zone

    def judges(self, resolver: Resolver) -> Sources:
        """They ask the zone."""
        return super().judges(self._evil)


async def send(port: int, message: bytes) -> bytes:
    """The last reply to a message for two recipients."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"EHLO evil.example\r\n")
    while not (await reader.readline()).startswith(b"250 "):
        pass
    reply = b""
    commands = b"MAIL FROM:<ann@sender.example>", b"RCPT TO:<jane@example.com>", b"RCPT TO:<joe@example.com>", b"DATA"
    for line in (*commands, message + b"."):
        writer.write(line + b"\r\n")
        reply = await reader.readline()
    writer.close()
    return reply


@pytest.mark.parametrize("name", ["mail exchangers", "passes"])
def test_a_whole_delivery_is_bounded(tmp_path: Path, name: str):
    zone, replies = EvilZone(ZONES[name]), []
    world = EvilWorld(tmp_path, zone)

    async def work(places: dict[str, Service]) -> None:
        with counted() as calls:
            replies.append(await send(places["smtp"].port, worst()))
        assert calls.count < MAX_CALLS

    try:
        world.run_with(work)
    finally:
        world.close()
    assert re.match(rb"(250|4\d\d|5\d\d) ", replies[0])
    assert MAX_PROOF // 2 < len(zone.asked) <= MAX_LOOKUPS + MAX_PROOF + BLOCK_LIST_LOOKUPS
