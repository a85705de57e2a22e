"""Connections that come through a proxy in front: whose they are is read before anything else (PROXY protocol).

`Proxied` stands for an accepted connection until it is known who it is from. From the addresses of a listed proxy a
header must come first, within HEADER_S; what is no header ends the connection with a line in the log, as someone has
set up one side without the other. From elsewhere nothing is believed: the connection goes on as it is, and a header is
a command that does not exist.

The header is read with a look ahead, so that not a byte of the client's is taken from the TLS handshake or the protocol
that follows; then the socket goes to the connection's own protocol, which knows source and destination as if the client
had come directly.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from app.errors import WireError
from app.limits import IpAddress
from app.log import logger
from app.net.accepted import Ends, ends_of, unread_socket
from app.net.connection import Connection
from app.wire.proxy import MAX_HEADER, ProxyHeader, parse_header

Network = IPv4Network | IPv6Network
HEADER_S = 10.0  # a proxy sends it at once

log = logger("connection")


class Proxied(asyncio.Protocol):
    """Hands an accepted connection on to the protocol that `make` gives."""

    __slots__ = ("_make", "_proxies", "_reading")

    def __init__(
        self,
        make: Callable[[], Connection],
        proxies: Sequence[Network],
        reading: set[asyncio.Task[None]],
    ) -> None:
        """`reading` is where the tasks are kept that wait for a header."""
        self._make = make
        self._proxies = proxies
        self._reading = reading

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out whether it comes from a proxy."""
        transport = cast(asyncio.Transport, transport)
        ends = ends_of(transport)
        if ends is None:
            return transport.abort()  # gone before we looked
        remote = ends.remote
        if not any(remote in network for network in self._proxies):
            connection = self._make()
            transport.set_protocol(connection)
            return connection.connection_made(transport)
        sock = unread_socket(transport)
        task = asyncio.get_running_loop().create_task(self._begin(sock, remote))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _begin(self, sock: socket.socket, proxy: IpAddress) -> None:
        try:
            async with asyncio.timeout(HEADER_S):
                header = await _read(sock)
        except TimeoutError:
            return _give_up(sock, proxy, "no PROXY header came")
        except WireError as error:
            return _give_up(sock, proxy, error.message)
        except OSError as error:
            return _give_up(sock, proxy, error.strerror or str(error))
        except asyncio.CancelledError:
            sock.close()
            raise
        connection = self._make()
        if header.source is not None and header.destination is not None:
            connection.forwarded = Ends(header.source, header.destination)
            log.debug("connection through a proxy", cid=connection.cid, proxy=proxy, remote=header.source)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, sock)
        except OSError as error:
            _give_up(sock, proxy, error.strerror or str(error))


async def _read(sock: socket.socket) -> ProxyHeader:
    """Take the header from the socket, and no byte more."""
    data = b""
    while True:
        await _readable(sock)
        try:
            ahead = sock.recv(MAX_HEADER - len(data), socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            continue
        if not ahead:
            raise WireError("the connection was closed before a PROXY header")
        header = parse_header(data + ahead)
        own = len(ahead) if header is None else header.size - len(data)
        data += sock.recv(own)  # all of it is there
        if header is not None:
            return header


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock.fileno(), tell)
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())


def _give_up(sock: socket.socket, proxy: IpAddress, reason: str) -> None:
    sock.close()
    log.info("closed, as ProxyProtocolFrom lists this address", remote=proxy, reason=reason)
