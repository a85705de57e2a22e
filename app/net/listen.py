"""Listening sockets: bound early, while the process may still be root, and served later on the event loop.

`bind` gives a listening socket or raises ListenError with words that say what to do. `Serving` accepts on such sockets
and knows the open connections, so that a stop can let each finish what it does.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import resource
import socket
from collections.abc import Callable, Iterable, Sequence

from app.errors import MailError
from app.net.connection import Connection
from app.net.proxied import Network, Proxied

BACKLOG = 1024
GRACE_S = 20.0  # for connections that are in the middle of something when the server stops
LAST_S = 1.0
_CYCLES_TO_MAKE = 3  # of the event loop: accepts, makes the transport, tells the protocol


class ListenError(MailError):
    """A socket cannot be opened."""


def bind(address: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """A listening socket that does not block; an IPv6 one takes no IPv4 connections.

    `is_shared` is for a port that this program opens twice, for all addresses and for one of them: the kernel gives a
    connection to the socket whose address is its own.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it a second write waits 40 ms for an ACK.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ListenError(_explain(address, port, error)) from None
    return sock


def has_ipv6() -> bool:
    """Whether this machine speaks IPv6 at all; containers often do not."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def _explain(address: str, port: int, error: OSError) -> str:
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    advice = {
        errno.EADDRINUSE: "another program listens there; stop it first",
        errno.EACCES: "ports below 1024 need root; start as root, it is given up right after",
        errno.EADDRNOTAVAIL: "this machine does not have that address; correct the listener's IPs in mox.conf",
    }
    text = advice.get(error.errno or 0)
    return f"cannot listen on {place}: {error.strerror or error}" + (f" ({text})" if text else "")


def raise_file_limit() -> int:
    """Allow this process as many open files as it may have; the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted


async def accept_no_more(listening: Iterable[int]) -> None:
    """Leave who connects from now on to the kernel, which keeps them for whoever listens next.

    `listening` are the descriptors of sockets that the event loop accepts on. Returns when those that were accepted
    have a protocol. Close an `asyncio.Server` only then: a closed one has none for what it had accepted a moment
    before, and drops the connection without a word.
    """
    loop = asyncio.get_running_loop()
    for descriptor in listening:
        loop.remove_reader(descriptor)
    for _ in range(_CYCLES_TO_MAKE):
        await asyncio.sleep(0)


class Serving:
    """Sockets that are accepted on, and the connections that came of it."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._unknown: set[asyncio.Task[None]] = set()  # proxies that have not said yet for whom they connect

    async def add(
        self, sock: socket.socket, factory: Callable[[], Connection], proxies: Sequence[Network] = ()
    ) -> None:
        """Accept on a socket of `bind`; `factory` makes the protocol of each connection.

        Connections from the networks of `proxies` begin with a header that says who it is; see `proxied.py`.
        """

        def make() -> Connection:
            connection = factory()
            connection.group = self.connections
            return connection

        loop = asyncio.get_running_loop()
        entry = (lambda: Proxied(make, proxies, self._unknown)) if proxies else make
        self._servers.append(await loop.create_server(entry, sock=sock, backlog=BACKLOG))

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """Accept no more, tell every connection, and end those that do not finish in time."""
        await accept_no_more(sock.fileno() for server in self._servers for sock in server.sockets)
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in tuple(self._unknown):
            task.cancel()
        for connection in tuple(self.connections):
            connection.stop()
        await self._wait(grace_s)
        for connection in tuple(self.connections):
            connection.close()
        await self._wait(LAST_S)
        for connection in tuple(self.connections):
            connection.abort()

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.connections and loop.time() < end:  # noqa: ASYNC110  # once per process; no event is worth its upkeep
            await asyncio.sleep(0.02)
