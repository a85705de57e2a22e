"""Connections through a SOCKS5 proxy (RFC 1928), for mail that leaves from another address than ours.

`connect_through` asks the proxy for a connection to a server and puts a protocol on it, as `dial.connect` does without
a proxy. PySocks speaks with the proxy; it blocks, so that happens in a thread of its own, which gives up by itself when
nobody waits for it any more. The proxy gets addresses and never names: which server a name means is our resolver's
business. Raises DialFailed, which tells a proxy that does not answer from one that could not reach the server.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.net.dial import DIAL_S, DialFailed
from app.wire.smtp.address import IPAddress

P = TypeVar("P", bound=asyncio.Protocol)

# RFC 1928 §6, in words.
_REPLIES = {
    "0x01": "it failed in general",
    "0x02": "its rules do not allow it",
    "0x03": "it cannot reach the network",
    "0x04": "it cannot reach the host",
    "0x05": "the connection was refused",
    "0x06": "it took too long",
    "0x07": "it does not know the command",
    "0x08": "it does not know this kind of address",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens; it asks for no password."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


def parse_proxy(text: str) -> Proxy:
    """The proxy of "host:port" or "[address]:port", as the configuration has it, where it was checked."""
    host, _, port = text.rpartition(":")
    return Proxy(host.removeprefix("[").removesuffix("]"), int(port))


async def connect_through(
    proxy: Proxy, factory: Callable[[], P], ip: IPAddress, port: int, dial_s: float = DIAL_S
) -> P:
    """A protocol that is connected to a server by way of the proxy."""
    try:
        async with asyncio.timeout(dial_s):
            opened = await _in_thread(lambda: _open(proxy, ip, port, dial_s))
            opened.setblocking(False)
            _, protocol = await asyncio.get_running_loop().create_connection(factory, sock=opened)
    except TimeoutError:
        raise DialFailed(f"the proxy {proxy} made no connection to {ip} port {port} within {dial_s:.0f} s") from None
    except OSError as err:
        raise DialFailed(f"the connection through the proxy {proxy} was lost: {err}") from None
    return protocol


def _open(proxy: Proxy, ip: IPAddress, port: int, timeout_s: float) -> socket.socket:
    """A plain socket that the proxy has connected; blocks."""
    import socks  # type: ignore[import-untyped]  # few servers need it

    try:
        found = socks.create_connection(
            (str(ip), port), timeout_s, proxy_type=socks.SOCKS5, proxy_addr=proxy.host, proxy_port=proxy.port
        )
    except socks.ProxyConnectionError as err:
        raise DialFailed(f"cannot connect to the proxy {proxy}: {_why(err.socket_err)}") from None
    except socks.ProxyError as err:
        if isinstance(err.socket_err, socks.SOCKS5Error):  # an answer that says no; PySocks wraps it
            reason = _REPLIES.get(err.socket_err.msg[:4], "it does not say why")
            raise DialFailed(f"the proxy {proxy} cannot connect to {ip} port {port}: {reason}") from None
        raise DialFailed(f"the proxy {proxy} does not speak SOCKS5 with us: {_why(err.socket_err or err)}") from None
    except OSError as err:  # its name has no address
        raise DialFailed(f"cannot find the proxy {proxy}: {_why(err)}") from None
    return socket.socket(fileno=found.detach())


def _why(err: OSError) -> str:
    return os.strerror(err.errno) if err.errno and err.errno > 0 else str(err)


async def _in_thread(work: Callable[[], socket.socket]) -> socket.socket:
    """The socket that `work` returns. One that comes when nobody waits any more is closed.

    Not the loop's own threads, as a proxy that does not answer would keep them from everybody else; and the program
    must not wait for such a thread when it ends.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[socket.socket] = loop.create_future()

    def settle(opened: socket.socket | None, err: BaseException | None) -> None:
        if not done.done():
            done.set_result(opened) if opened is not None else done.set_exception(err or OSError())
        elif opened is not None:
            opened.close()

    def run() -> None:
        opened, error = None, None
        try:
            opened = work()
        except BaseException as err:  # whatever it is, it belongs to who waits
            error = err
        try:
            loop.call_soon_threadsafe(settle, opened, error)
        except RuntimeError:  # the loop is closed
            if opened is not None:
                opened.close()

    threading.Thread(target=run, name="socks", daemon=True).start()
    return await done
