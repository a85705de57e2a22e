"""The header of the PROXY protocol: both versions, each thing that can be wrong, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import WireError
from app.wire.proxy import MAX_HEADER, MAX_LINE, ProxyHeader, parse_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
AFTER = b"EHLO client.example\r\n\x16\x03\x01"


def binary(command: int, family: int, content: bytes, *, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(content) if length is None else length) + content


def packed(source: str, destination: str) -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    return socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", 40000, 25)


TCP4 = packed("203.0.113.9", "192.0.2.1")
TCP6 = packed("2001:db8::9", "2001:db8::1")
TLV = b"\x03\x00\x04\x01\x02\x03\x04"

GOOD = {
    "v1-tcp4": (b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n", "203.0.113.9", "192.0.2.1"),
    "v1-tcp6": (b"PROXY TCP6 2001:db8::9 2001:DB8::1 40000 25\r\n", "2001:db8::9", "2001:db8::1"),
    "v1-mapped": (b"PROXY TCP6 ::ffff:203.0.113.9 ::ffff:192.0.2.1 1 25\r\n", "203.0.113.9", "192.0.2.1"),
    "v1-ports": (b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0", "255.255.255.255"),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", None, None),
    "v1-unknown-with-words": (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None, None),
    "v2-tcp4": (binary(0x21, 0x11, TCP4), "203.0.113.9", "192.0.2.1"),
    "v2-tcp6": (binary(0x21, 0x21, TCP6), "2001:db8::9", "2001:db8::1"),
    "v2-extensions": (binary(0x21, 0x11, TCP4 + TLV), "203.0.113.9", "192.0.2.1"),
    "v2-largest": (binary(0x21, 0x11, TCP4 + bytes(MAX_HEADER - 16 - 12)), "203.0.113.9", "192.0.2.1"),
    "v2-mapped": (binary(0x21, 0x21, packed("::ffff:203.0.113.9", "::1")), "203.0.113.9", "::1"),
    "v2-local": (binary(0x20, 0x00, b""), None, None),
    "v2-local-with-addresses": (binary(0x20, 0x11, TCP4), None, None),
    "v2-unspecified": (binary(0x21, 0x00, TLV), None, None),
    "v2-unix": (binary(0x21, 0x31, bytes(216)), None, None),
}
BAD = {
    "no-header": b"EHLO client.example\r\n",
    "tls": b"\x16\x03\x01\x02\x00",
    "other-line": b"PROXIES\r\n",
    "lower-case": b"proxy TCP4 203.0.113.9 192.0.2.1 40000 25\r\n",
    "no-cr": b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\n",
    "too-long": b"PROXY UNKNOWN " + b"x" * MAX_LINE,
    "too-long-by-one": b"PROXY UNKNOWN " + b"x" * (MAX_LINE - 15) + b"\r\n",
    "unknown-word": b"PROXY UNKNOWNS\r\n",
    "udp": b"PROXY UDP4 203.0.113.9 192.0.2.1 40000 25\r\n",
    "nothing": b"PROXY \r\n",
    "family": b"PROXY TCP4 2001:db8::9 2001:db8::1 40000 25\r\n",
    "not-an-address": b"PROXY TCP4 203.0.113 192.0.2.1 40000 25\r\n",
    "leading-zero": b"PROXY TCP4 203.0.113.009 192.0.2.1 40000 25\r\n",
    "zone": b"PROXY TCP6 fe80::1%eth0 fe80::2 40000 25\r\n",
    "port": b"PROXY TCP4 203.0.113.9 192.0.2.1 65536 25\r\n",
    "port-zero": b"PROXY TCP4 203.0.113.9 192.0.2.1 040 25\r\n",
    "two-blanks": b"PROXY TCP4  203.0.113.9 192.0.2.1 40000 25\r\n",
    "more": b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25 x\r\n",
    "version": binary(0x11, 0x11, TCP4),
    "command": binary(0x22, 0x11, TCP4),
    "datagram": binary(0x21, 0x12, TCP4),
    "unknown-family": binary(0x21, 0x41, TCP4),
    "too-short": binary(0x21, 0x11, TCP4[:-1]),
    "too-short-6": binary(0x21, 0x21, TCP4),
    "too-large": binary(0x21, 0x11, TCP4, length=MAX_HEADER - 15),
    "local-too-large": binary(0x20, 0x00, b"", length=0xFFFF),
}


def texts(header: ProxyHeader) -> tuple[str | None, str | None]:
    return (
        str(header.source) if header.source is not None else None,
        str(header.destination) if header.destination is not None else None,
    )


@pytest.mark.parametrize("name", GOOD)
def test_a_header_says_who_connected_and_where_it_ends(name: str) -> None:
    data, source, destination = GOOD[name]
    header = parse_header(data + AFTER)
    assert header is not None
    assert texts(header) == (source, destination)
    assert (data + AFTER)[header.size :] == AFTER


@pytest.mark.parametrize("name", GOOD)
def test_a_header_that_is_not_complete_is_waited_for(name: str) -> None:
    data = GOOD[name][0]
    assert [parse_header(data[:end]) for end in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_refused(name: str) -> None:
    with pytest.raises(WireError):
        parse_header(BAD[name])


@pytest.mark.parametrize("data", [b"E", b"PROXX", b"\r\n\r\nA", b"\x16"])
def test_what_cannot_become_a_header_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_header(data)


@given(st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]), st.binary(max_size=300))
def test_any_bytes_are_a_header_a_beginning_or_refused(start: bytes, rest: bytes) -> None:
    data = start + rest
    try:
        header = parse_header(data)
    except WireError:
        return
    if header is None:
        assert len(data) < MAX_HEADER
    else:
        assert parse_header(data[: header.size]) == header
        assert parse_header(data[: header.size - 1]) is None
