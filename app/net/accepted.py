"""What is known of an accepted connection before its protocol begins: its two ends, and its socket, still unread."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass

from app.limits import IpAddress
from app.net.peer import address_of


@dataclass(frozen=True, slots=True)
class Ends:
    """Who connected, and to which address."""

    remote: IpAddress
    local: IpAddress


def ends_of(transport: asyncio.BaseTransport) -> Ends | None:
    """Those of the socket itself; None when the peer is gone already."""
    peer = transport.get_extra_info("peername")
    return None if peer is None else Ends(address_of(peer), address_of(transport.get_extra_info("sockname")))


def unread_socket(transport: asyncio.Transport) -> socket.socket:
    """The socket of a transport whose protocol was just told of it, so that nothing was read; the transport ends.

    It is a duplicate, as the transport closes its own.
    """
    sock = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    sock.setblocking(False)
    transport.set_protocol(asyncio.Protocol())
    transport.abort()
    return sock
