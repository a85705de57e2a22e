"""The addresses of this machine: of its interfaces, from netlink, and those by which it goes out.

Temporary, deprecated and tentative IPv6 addresses are left out, as nobody can be told to deliver there, and so are
link-local ones. Without netlink (not Linux) `addresses` is empty.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator

from app.wire.smtp.address import IPAddress

_GETADDR, _NEWADDR, _DONE, _ERROR = 22, 20, 3, 2  # types of rtnetlink messages
_REQUEST, _DUMP = 0x01, 0x300
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_FLEETING = 0x01 | 0x20 | 0x40  # temporary, deprecated, tentative; the first means something else for IPv4
_TARGETS = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
TIMEOUT_S = 2.0
MAX_REPLIES = 1000


def outgoing() -> tuple[IPAddress, ...]:
    """The source addresses towards the world. Connecting a UDP socket looks at the routes and sends nothing."""
    found: list[IPAddress] = []
    for family, target in _TARGETS:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((target, 9))
                found.append(ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]))
        except OSError:
            continue
    return tuple(found)


def addresses() -> tuple[IPAddress, ...]:
    """All lasting addresses but loopback and link-local ones."""
    found: list[IPAddress] = []
    try:
        for reply in _dump():
            found += _addresses_in(reply)
    except (OSError, AttributeError, struct.error, ValueError):
        return ()
    return tuple(dict.fromkeys(ip for ip in found if not ip.is_loopback and not ip.is_link_local))


def _dump() -> Iterator[bytes]:
    """The datagrams with which the kernel answers "all addresses"."""
    request = _HEADER.pack(_HEADER.size + _ADDRESS.size, _GETADDR, _REQUEST | _DUMP, 1, 0) + _ADDRESS.pack(
        0, 0, 0, 0, 0
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.sendto(request, (0, 0))
        for _ in range(MAX_REPLIES):
            reply = sock.recv(65536)
            yield reply
            if _is_last(reply):
                return


def _messages(reply: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(reply):
        length, kind, *_ = _HEADER.unpack_from(reply, at)
        if length < _HEADER.size:
            return
        yield kind, reply[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _is_last(reply: bytes) -> bool:
    return any(kind in (_DONE, _ERROR) for kind, _ in _messages(reply))


def _addresses_in(reply: bytes) -> Iterator[IPAddress]:
    for kind, body in _messages(reply):
        if kind != _NEWADDR:
            continue
        family, _, flags, _, _ = _ADDRESS.unpack_from(body)
        if family == socket.AF_INET6 and flags & _FLEETING:
            continue
        attributes = dict(_attributes(body[_ADDRESS.size :]))
        # A point-to-point interface has the other end in ADDRESS and itself in LOCAL.
        raw = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS, b""))
        if len(raw) in (4, 16):
            yield ipaddress.ip_address(raw)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
