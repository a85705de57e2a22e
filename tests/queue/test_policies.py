"""MTA-STS policies: fetched over real HTTPS on loopback, kept, refreshed, and held on to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.net.dnsexchange import Server
from app.net.policyfetch import FetchFailed, Web, fetch_policy
from app.net.resolver import Resolver
from app.queue.policies import FETCH_ERROR, POLICY_INVALID, RETRY_S, WEBPKI_INVALID, Found, MtaSts
from app.store.mtastspolicies import DAY_S
from app.store.serverdb import ServerDb
from app.trust.mtasts import Mode
from tests.support.authority import Authority
from tests.support.clock import SetClock
from tests.support.dns import DnsServer
from tests.support.measuring import value

ROOT = Authority("root")
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 1000000\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
GOOD = HEAD + POLICY


class Bench:
    """A domain with a policy host that says what `response` holds."""

    def __init__(self, dns: DnsServer, clock: SetClock) -> None:
        self.dns = dns
        self.clock = clock
        self.response = GOOD
        self.asked = 0
        self.mtasts: MtaSts
        self.fetch: Callable[[str], Awaitable[bytes]]

    def publish(self, record: str) -> None:
        """Another id, which the resolver sees at once as its cache is of another."""
        self.dns.zone["_mta-sts.example.net"] = {"TXT": [record]} if record else {}

    async def find(self) -> Found:
        return await self.mtasts.find("example.net")

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.response)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def bench(
    directory: Path, name: str = "mta-sts.example.net", days: tuple[int, int] = (-1, 30)
) -> AsyncIterator[Bench]:
    zone = {"_mta-sts.example.net": {"TXT": ["v=STSv1; id=1"]}, "mta-sts.example.net": {"A": ["127.0.0.1"]}}
    clock = SetClock()
    server = ServerDb.open(directory, clock)
    with DnsServer(zone) as dns:
        made = Bench(dns, clock)
        context = ROOT.leaf(name, days).server(directory)
        listening = await asyncio.start_server(made.answer, "127.0.0.1", 0, ssl=context)
        web = Web(ROOT.client(), listening.sockets[0].getsockname()[1])

        async def fetch(domain: str) -> bytes:
            return await fetch_policy(Resolver([Server(dns.host, dns.port)]), domain, web)

        class Uncached(Resolver):
            async def txt(self, name: str):  # type: ignore[no-untyped-def]
                self._cache.clear()
                return await super().txt(name)

        resolver = Uncached([Server(dns.host, dns.port)])
        made.fetch = fetch
        made.mtasts = MtaSts(resolver, server.policies, clock, fetch)
        try:
            yield made
        finally:
            listening.close()
            resolver.close()
            server.close()


def run(directory: Path, steps: Callable[[Bench], Awaitable[None]], **more: object) -> None:
    async def main() -> None:
        async with bench(directory, **more) as made:  # type: ignore[arg-type]
            await steps(made)

    asyncio.run(main())


def test_policy_is_fetched_once_and_again_for_another_id(tmp_path: Path) -> None:
    fetched = value("mox_httpclient_request_duration_seconds_count", result="ok")

    async def steps(made: Bench) -> None:
        for _ in range(3):
            found = await made.find()
            assert found.policy is not None
            assert found.policy.mode is Mode.ENFORCE
        assert made.asked == 1
        assert value("mox_httpclient_request_duration_seconds_count", result="ok") > fetched
        made.response = GOOD.replace(b"enforce", b"none")
        assert (await made.find()).policy == found.policy
        made.publish("v=STSv1; id=2")
        taken_back = (await made.find()).policy
        assert taken_back is not None
        assert taken_back.mode is Mode.NONE

    run(tmp_path, steps)


@pytest.mark.parametrize("record", ["", "v=STSv1; id=???"])
def test_kept_policy_holds_without_its_record_until_it_is_over(tmp_path: Path, record: str) -> None:
    async def steps(made: Bench) -> None:
        assert (await made.find()).policy is not None
        made.publish(record)
        assert (await made.find()).policy is not None
        made.clock.time += 1_000_001
        assert (await made.find()) == Found()

    run(tmp_path, steps)


def test_failed_fetch_keeps_the_policy_and_waits_five_minutes(tmp_path: Path) -> None:
    async def steps(made: Bench) -> None:
        policy = (await made.find()).policy
        made.publish("v=STSv1; id=2")
        made.response = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        for _ in range(3):
            found = await made.find()
            assert found.policy == policy
            assert found.trouble is not None
            assert (found.trouble.result, "status 404" in found.trouble.words) == (FETCH_ERROR, True)
        assert made.asked == 2
        made.clock.time += RETRY_S + 1
        made.response = GOOD
        assert (await made.find()).trouble is None
        assert made.asked == 3

    run(tmp_path, steps)


def test_refresh_is_daily_and_keeps_a_policy_from_running_out(tmp_path: Path) -> None:
    async def steps(made: Bench) -> None:
        await made.find()
        await made.mtasts.refresh()
        assert made.asked == 1
        made.publish("")
        made.clock.time += DAY_S + 1
        await made.mtasts.refresh()
        assert made.asked == 2
        made.clock.time += 1_000_000 - DAY_S / 2
        assert (await made.find()).policy is not None

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.example.net/x\r\nContent-Length: 0\r\n\r\n", "redirect"),
        (GOOD.replace(b"text/plain", b"text/html"), "text/plain"),
        (HEAD + b"x" * 70_000, "larger than"),
        (b"not HTTP at all\r\n\r\n", "HTTP"),
        (HEAD.replace(b"Connection", b"Content-Length: 5000\r\nConnection") + POLICY, "HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "HTTP"),
        (b"", "HTTP"),
    ],
)  # fmt: skip
def test_answer_that_is_no_policy_is_refused(tmp_path: Path, response: bytes, words: str) -> None:
    async def steps(made: Bench) -> None:
        made.response = response
        with pytest.raises(FetchFailed, match=words):
            await made.fetch("example.net")

    run(tmp_path, steps)


def test_chunked_answer_is_read(tmp_path: Path) -> None:
    async def steps(made: Bench) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        made.response = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(POLICY), POLICY)
        assert await made.fetch("example.net") == POLICY

    run(tmp_path, steps)


def test_broken_policy_is_told_apart(tmp_path: Path) -> None:
    async def steps(made: Bench) -> None:
        made.response = HEAD + b"<html>"
        trouble = (await made.find()).trouble
        assert trouble is not None
        assert trouble.result == POLICY_INVALID

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [("www.example.net", (-1, 30), "another name"), ("mta-sts.example.net", (-9, -1), "expired")],
)
def test_certificate_must_be_good(tmp_path: Path, name: str, days: tuple[int, int], words: str) -> None:
    async def steps(made: Bench) -> None:
        trouble = (await made.find()).trouble
        assert trouble is not None
        assert (trouble.result, words in trouble.words) == (WEBPKI_INVALID, True)

    run(tmp_path, steps, name=name, days=days)


def test_domain_without_record_costs_no_fetch(tmp_path: Path) -> None:
    async def steps(made: Bench) -> None:
        made.publish("")
        assert await made.find() == Found()
        assert made.asked == 0

    run(tmp_path, steps)
