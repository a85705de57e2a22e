"""DNS for the whole program: the questions of `trust/lookup.Resolver`, with a cache in front of `dnsexchange.py`.

Answers are kept for their TTL within bounds, those that say "nothing there" too (RFC 2308); failures are not. Equal
questions that come while the first is on its way share its reply. Names below `localhost` are this machine without
asking anybody (RFC 6761 §6.3); `/etc/hosts` is not read. The recursive servers come from the caller, from
MOX_RESOLVER=IP:PORT in the environment, or from resolv.conf. Raises LookupFailed for "cannot tell".
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename

from app.clock import SYSTEM, Clock
from app.metrics import histogram
from app.net.dnsexchange import Exchange, Server, configured_servers
from app.trust.lookup import Answer, LookupFailed, Mx, Tlsa
from app.wire.smtp.address import IPAddress

MAX_ENTRIES = 20_000
MAX_TTL_S = 24 * 3600
MAX_NEGATIVE_TTL_S = 900
MIN_TTL_S = 2  # enough for the questions of one message
MAX_CNAMES = 16

T = TypeVar("T")
_LOOPBACK: dict[str, tuple[IPAddress, ...]] = {
    "A": (ipaddress.IPv4Address("127.0.0.1"),),
    "AAAA": (ipaddress.IPv6Address("::1"),),
}
_durations = histogram("dns_lookup_duration_seconds", "Lookups that the cache could not answer.", ("type", "result"))


@dataclass(frozen=True, slots=True)
class _Entry:
    """Records as dnspython holds them, until a time on the monotonic clock."""

    expires: float
    answer: Answer[Any]


class Resolver:
    """Answers from the cache, or asks."""

    def __init__(self, servers: Sequence[Server] | None = None, clock: Clock = SYSTEM) -> None:
        self._exchange = Exchange(configured_servers() if servers is None else servers)
        self._clock = clock
        self._cache: dict[tuple[str, str], _Entry] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Answer[Any]]] = {}

    def close(self) -> None:
        """Close the sockets; questions under way fail."""
        self._exchange.close()

    def forget(self) -> None:
        """Forget all answers, for a person who has changed something and asks again."""
        self._cache.clear()

    async def mx(self, name: str) -> Answer[Mx]:
        """Mail exchangers, in no order."""
        return _convert(await self._ask(name, "MX"), lambda rd: Mx(rd.preference, _text(rd.exchange)))

    async def addresses(self, name: str) -> Answer[IPAddress]:
        """IPv6 and IPv4 addresses; one family that fails does not matter when the other has some."""
        six, four = await asyncio.gather(self.ipv6(name), self.ipv4(name), return_exceptions=True)
        answers = [got for got in (six, four) if isinstance(got, Answer)]
        for got in (six, four):
            if isinstance(got, BaseException) and not (
                isinstance(got, LookupFailed) and any(a.records for a in answers)
            ):
                raise got
        return Answer(
            tuple(ip for got in answers for ip in got.records),
            answers[0].canonical,
            authentic=all(got.authentic for got in answers),
            exists=any(got.exists for got in answers),
            ttl=min(got.ttl for got in answers),
        )

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        """A records."""
        return _convert(await self._ask(name, "A"), lambda rd: ipaddress.ip_address(rd.address))

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        """AAAA records."""
        return _convert(await self._ask(name, "AAAA"), lambda rd: ipaddress.ip_address(rd.address))

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, each with its strings joined."""
        return _convert(await self._ask(name, "TXT"), lambda rd: b"".join(rd.strings))

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        """The names that reverse DNS gives."""
        name = dns.reversename.from_address(str(ip)).to_text(omit_final_dot=True)
        return _convert(await self._ask(name, "PTR"), lambda rd: _text(rd.target))

    async def ns(self, name: str) -> Answer[str]:
        """The names of a zone's servers, where `name` is a zone of its own."""
        return _convert(await self._ask(name, "NS"), lambda rd: _text(rd.target))

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """TLSA records."""
        return _convert(await self._ask(name, "TLSA"), lambda rd: Tlsa(rd.usage, rd.selector, rd.mtype, rd.cert))

    async def texts(self, name: str, kind: str) -> Answer[str]:
        """Records of any type, as a zone file writes them, for people."""
        return _convert(await self._ask(name, kind), lambda rd: str(rd.to_text()))

    async def _ask(self, name: str, kind: str) -> Answer[Any]:
        """The answer with dnspython's records, from the cache, from a question under way, or from a new one."""
        key = (name.lower().rstrip("."), kind)
        entry = self._cache.get(key)
        if entry is not None and entry.expires > self._clock.monotonic():
            return entry.answer
        if key[0] == "localhost" or key[0].endswith(".localhost"):
            return _localhost(key[0], kind)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._settle(key, done))
        # A caller that is cancelled must not take the question from the others who wait for it.
        return await asyncio.shield(task)

    async def _fetch(self, key: tuple[str, str]) -> Answer[Any]:
        name, kind = key
        try:
            question = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return Answer((), name, exists=False)
        started = self._clock.monotonic()
        result = "temperror"
        try:
            answer = await self._follow(question, dns.rdatatype.from_text(kind))
            result = "ok" if answer.records else "nxdomain" if not answer.exists else "nodata"
        finally:
            _durations.labels(kind, result).observe(self._clock.monotonic() - started)
        return answer

    async def _follow(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer[Any]:
        """Ask, and ask again where a server leaves a CNAME to us."""
        authentic = True
        for _ in range(MAX_CNAMES):
            reply = await self._exchange.ask(name, kind)
            authentic = authentic and reply.authentic
            try:
                chain = reply.message.resolve_chaining()  # type: ignore[attr-defined]
            except dns.exception.DNSException as err:
                raise LookupFailed(_text(name), dns.rdatatype.to_text(kind), f"bad reply: {err}") from None
            if chain.answer is not None:
                records = tuple(chain.answer)
                return Answer(records, _text(chain.canonical_name), authentic, True, chain.minimum_ttl)
            exists = reply.message.rcode() != dns.rcode.NXDOMAIN
            if not exists or chain.canonical_name == name:
                ttl = min(chain.minimum_ttl, MAX_NEGATIVE_TTL_S)
                return Answer((), _text(chain.canonical_name), authentic, exists, ttl)
            name = chain.canonical_name
        raise LookupFailed(_text(name), dns.rdatatype.to_text(kind), "too many CNAMEs")

    def _settle(self, key: tuple[str, str], done: asyncio.Task[Answer[Any]]) -> None:
        self._asking.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        answer = done.result()
        ttl = min(max(answer.ttl, MIN_TTL_S), MAX_TTL_S)
        self._cache.pop(key, None)
        while len(self._cache) >= MAX_ENTRIES:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = _Entry(self._clock.monotonic() + ttl, answer)


def _convert(answer: Answer[Any], record: Callable[[Any], T]) -> Answer[T]:
    return replace(answer, records=tuple(record(one) for one in answer.records))


def _localhost(name: str, kind: str) -> Answer[Any]:
    """What RFC 6761 §6.3 says of localhost; the records only have what `_convert` reads of them."""
    return Answer(tuple(_Loopback(ip) for ip in _LOOPBACK.get(kind, ())), name, authentic=True, ttl=MAX_TTL_S)


@dataclass(frozen=True, slots=True)
class _Loopback:
    """An address record made here."""

    address: IPAddress

    def to_text(self) -> str:
        """As a zone file writes it."""
        return str(self.address)


def _text(name: dns.name.Name) -> str:
    """A name as text in lower case; the root is ""."""
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()
