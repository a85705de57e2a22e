"""The header with which a proxy says for whom it connects: PROXY protocol, versions 1 and 2.

The standard is HAProxy's proxy-protocol.txt, to whose sections § refers here.

    header = parse_header(data)      # None: more is needed; nothing of `data` is past the header then
    header.source                    # who connected to the proxy; None when the proxy speaks for itself
    data[header.size :]              # what the client sent

A proxy speaks for itself when it looks whether the server is alive (LOCAL), or cannot say for whom it speaks (UNKNOWN,
UNSPEC, unix sockets): the addresses of the connection itself count then. Extensions (TLVs) are passed over, their
checksum too. At most 107 bytes of version 1 and 4 KiB of version 2 are looked at. Raises WireError for everything else,
at the first byte that cannot be one of either.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from app.errors import WireError
from app.wire.smtp.address import IPAddress

MAX_LINE: Final = 107  # §2.1, with CRLF
MAX_HEADER: Final = 16 + 4096  # §2.2 allows 64 KiB; TLVs of a certificate or a cloud provider are far smaller
_START: Final = b"PROXY "
_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED: Final = 16  # bytes of version 2 before the addresses
_VERSION_2: Final = 2
_LOCAL, _PROXY = 0, 1
_UNSPEC, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_BYTES: Final = {_TCP4: 4, _TCP6: 16}  # of one address
_PORT: Final = r"(0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(rf"PROXY TCP([46]) ([0-9a-fA-F.:]{{2,45}}) ([0-9a-fA-F.:]{{2,45}}) {_PORT} {_PORT}".encode())
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeader:
    """What a proxy said."""

    size: int  # bytes of the header
    source: IPAddress | None = None
    destination: IPAddress | None = None  # to which the source connected


def parse_header(data: bytes) -> ProxyHeader | None:
    """The header at the beginning of what came; None when it is not complete."""
    if data.startswith(_START[: len(data)]):
        return _parse_line(data)
    if data.startswith(_SIGNATURE[: len(data)]):
        return _parse_binary(data)
    raise WireError("what came first is no PROXY header")


def _parse_line(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE or b"\n" in data:
            raise WireError("the PROXY line does not end")
        return None
    line, size = data[:end], end + 2
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return ProxyHeader(size=size)
    found = _LINE.fullmatch(line)
    if found is None or any(int(port) > _MAX_PORT for port in found.group(4, 5)):
        raise WireError("the PROXY line is broken")
    make = ipaddress.IPv4Address if found[1] == b"4" else ipaddress.IPv6Address
    try:
        source, destination = (_plain(make(text.decode())) for text in found.group(2, 3))
    except ValueError:
        raise WireError("the PROXY line has no addresses of its kind") from None
    return ProxyHeader(size=size, source=source, destination=destination)


def _parse_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    version, command = data[12] >> 4, data[12] & 0x0F
    if version != _VERSION_2 or command not in (_LOCAL, _PROXY):
        raise WireError("the PROXY header is of an unknown version")
    size = _FIXED + int.from_bytes(data[14:16], "big")
    if size > MAX_HEADER:
        raise WireError("the PROXY header is too long")
    if len(data) < size:
        return None
    family = data[13]
    if command == _LOCAL or family in (_UNSPEC, _UNIX):
        return ProxyHeader(size=size)
    length = _BYTES.get(family)
    if length is None:
        raise WireError("the PROXY header is not about a TCP connection")
    if size < _FIXED + 2 * length + 4:
        raise WireError("the PROXY header has no room for its addresses")
    addresses = data[_FIXED:]
    return ProxyHeader(
        size=size,
        source=_plain(ipaddress.ip_address(addresses[:length])),
        destination=_plain(ipaddress.ip_address(addresses[length : 2 * length])),
    )


def _plain(address: IPAddress) -> IPAddress:
    """An IPv4 address that was written as an IPv6 one as what it is, so that limits and rules count it right."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
