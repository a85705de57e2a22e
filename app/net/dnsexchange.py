"""One DNS question to the configured servers and its reply: datagrams, then TCP when truncated.

Sockets are shared by many questions and connected, so that the kernel drops what comes from elsewhere. Each has a
random port, is replaced after some hundred questions, and a reply counts only when its random id and its question
match (RFC 5452). A socket that gets many replies which match nothing may be under attack: it is closed and the
question asked over TCP.

The servers are asked in turn, twice at most. No usable reply raises LookupFailed. Bound to the event loop that uses
it first.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from app.errors import MailError
from app.trust.lookup import LookupFailed

ROUND_TIMEOUTS_S = (2.0, 4.0)  # per server, first and second round
TCP_TIMEOUT_S = 8.0
SOCKETS_PER_SERVER = 4
QUESTIONS_PER_SOCKET = 400
MISMATCHES_PER_SOCKET = 20
PAYLOAD = 1232  # what fits the smallest usual path without fragments
MAX_SERVERS = 3
MAX_IN_FLIGHT = 100  # more would overflow a socket's receive buffer, ours or the server's

_USABLE = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


class BadResolver(MailError):
    """The environment names something else than a server."""


@dataclass(frozen=True, slots=True)
class Server:
    """A recursive resolver. Its AD bit is believed when it is on this machine or resolv.conf says `trust-ad`."""

    host: str
    port: int = 53
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable reply."""

    message: dns.message.Message
    authentic: bool


def configured_servers(resolv_conf: Path = Path("/etc/resolv.conf")) -> list[Server]:
    """The servers named in the environment as MOX_RESOLVER=IP:PORT[,...], or in resolv.conf, or this machine.

    Lines of resolv.conf that make no sense are passed over; a MOX_RESOLVER that makes none raises BadResolver.
    """
    given = os.environ.get("MOX_RESOLVER", "")
    if given:
        try:
            return [parse_server(text.strip()) for text in given.split(",")]
        except ValueError:
            raise BadResolver(f"MOX_RESOLVER must be IP:PORT, or several with commas, not {given!r}") from None
    try:
        lines = resolv_conf.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    trust = any(line[0] == "options" and "trust-ad" in line for line in words if line)
    names = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    found = [_server(name, 53, trust) for name in names if _is_address(name)]
    return found[:MAX_SERVERS] or [Server("127.0.0.1", trusted=True)]


def parse_server(text: str) -> Server:
    """A server given as IP, IP:PORT or [IPv6]:PORT; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    if not 0 < int(port) < 65536:
        raise ValueError(port)
    return _server(host.strip("[]"), int(port), False)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _server(host: str, port: int, trust: bool) -> Server:
    loopback = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return Server(host, port, trust or loopback)


class _Socket(asyncio.DatagramProtocol):
    """A connected datagram socket and the questions that wait on it."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self.waiting: dict[int, tuple[dns.message.Message, asyncio.Future[dns.message.Message]]] = {}
        self.asked = 0
        self.mismatches = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        waiting = self.waiting.get(int.from_bytes(data[:2], "big"))
        try:
            reply = dns.message.from_wire(data, ignore_trailing=True) if waiting else None
        except Exception:  # whatever a hostile server makes dnspython raise
            reply = None
        if waiting is None or reply is None or not waiting[0].is_response(reply):
            self.mismatches += 1
            if self.mismatches >= MISMATCHES_PER_SOCKET:
                self.fail(ConnectionError("too many replies that match no question"))
            return
        if not waiting[1].done():
            waiting[1].set_result(reply)

    def error_received(self, exc: Exception) -> None:
        self.fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(exc or ConnectionError("socket closed"))

    def fail(self, err: Exception) -> None:
        """Tell all who wait."""
        self.asked = QUESTIONS_PER_SOCKET
        for _, future in self.waiting.values():
            if not future.done():
                future.set_exception(err)

    def is_usable(self) -> bool:
        """Whether another question may go out here."""
        return self.asked < QUESTIONS_PER_SOCKET and self.transport is not None

    async def ask(self, query: dns.message.Message, wait_s: float) -> dns.message.Message:
        """Send and wait."""
        assert self.transport is not None
        while query.id in self.waiting:
            query.id = secrets.randbits(16)
        future: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()
        self.waiting[query.id] = (query, future)
        self.asked += 1
        try:
            self.transport.sendto(query.to_wire())
            async with asyncio.timeout(wait_s):
                return await future
        finally:
            del self.waiting[query.id]
            if not self.waiting and self.asked >= QUESTIONS_PER_SOCKET:
                self.transport.close()


class Exchange:
    """Asks the servers."""

    def __init__(self, servers: Sequence[Server], *, recursion: bool = True) -> None:
        """Without `recursion` the servers are to answer only what they know themselves."""
        self._servers = list(servers)
        self._recursion = recursion
        self._places = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._sockets: dict[Server, list[_Socket]] = {server: [] for server in servers}

    async def ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Reply:
        """The first usable reply; NXDOMAIN is one, SERVFAIL is not."""
        async with self._places:
            return await self._ask_in_turn(name, kind)

    async def _ask_in_turn(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Reply:
        reason = "no name server is configured"
        for wait_s in ROUND_TIMEOUTS_S:
            for server in self._servers:
                try:
                    query = _query(name, kind, recursion=self._recursion)
                    message = await self._ask_server(server, query, wait_s)
                except TimeoutError:
                    reason = f"no reply from {server.host}"
                except (OSError, EOFError, dns.exception.DNSException) as err:
                    reason = f"{server.host}: {err}"
                else:
                    if message.rcode() in _USABLE:
                        return Reply(message, server.trusted and bool(message.flags & dns.flags.AD))
                    reason = f"{server.host} says {dns.rcode.to_text(message.rcode())}"
        raise LookupFailed(name.to_text(omit_final_dot=True), dns.rdatatype.to_text(kind), reason)

    def close(self) -> None:
        """Close the sockets."""
        for sockets in self._sockets.values():
            for socket in sockets:
                if socket.transport is not None:
                    socket.transport.close()
            sockets.clear()

    async def _ask_server(self, server: Server, query: dns.message.Message, wait_s: float) -> dns.message.Message:
        socket = await self._socket(server)
        try:
            message = await socket.ask(query, wait_s)
            if not message.flags & dns.flags.TC:
                return message
        except ConnectionError:
            if socket.mismatches < MISMATCHES_PER_SOCKET:
                raise
        async with asyncio.timeout(TCP_TIMEOUT_S):
            return await _ask_tcp(server, query)

    async def _socket(self, server: Server) -> _Socket:
        sockets = self._sockets[server] = [one for one in self._sockets[server] if one.is_usable()]
        if len(sockets) >= SOCKETS_PER_SERVER:
            return random.choice(sockets)
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_datagram_endpoint(_Socket, remote_addr=(server.host, server.port))
        self._sockets[server].append(socket)
        return socket


def _query(name: dns.name.Name, kind: dns.rdatatype.RdataType, *, recursion: bool) -> dns.message.Message:
    """A question with a random id that asks for the AD bit (RFC 6840 §5.7)."""
    query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD, id=secrets.randbits(16))
    query.flags |= dns.flags.AD
    if not recursion:
        query.flags &= ~dns.flags.RD
    return query


async def _ask_tcp(server: Server, query: dns.message.Message) -> dns.message.Message:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(query.to_wire(prepend_length=True))
        size = int.from_bytes(await reader.readexactly(2), "big")
        reply = dns.message.from_wire(await reader.readexactly(size), ignore_trailing=True)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not query.is_response(reply):
        raise ConnectionError("reply over TCP does not match the question")
    return reply
