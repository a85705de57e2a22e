"""METADATA responses and response codes (RFC 5464 §4.4, §5).

    metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)
    entry-values  = "(" entry SP value *(SP entry SP value) ")"            as an answer
    entry-list    = entry *(SP entry)                                      as news, without values

A value is any bytes, so it goes as literal8 when a NUL is in it (RFC 3516).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from app.wire.imap.mailboxname import write_mailbox
from app.wire.imap.response import Code
from app.wire.imap.tokens import write_astring, write_nstring

TOOMANY: Final = Code("METADATA TOOMANY")


def longentries(size_bytes: int) -> Code:
    """The largest value that was left out, as the client wanted smaller ones only."""
    return Code(f"METADATA LONGENTRIES {size_bytes}")


def maxsize(size_bytes: int) -> Code:
    """The largest value that can be set."""
    return Code(f"METADATA MAXSIZE {size_bytes}")


def metadata_response(name: str, values: Mapping[str, bytes | None], *, utf8: bool) -> bytes:
    """Entries of a mailbox with their values, at least one; None is an entry that is not there."""
    pairs = [write_astring(entry.encode("ascii")) + b" " + _write_value(value) for entry, value in values.items()]
    return b"* METADATA %b (%b)\r\n" % (_write_name(name, utf8=utf8), b" ".join(pairs))


def metadata_news(name: str, entries: Iterable[str], *, utf8: bool) -> bytes:
    """Entries of a mailbox that somebody changed."""
    names = b" ".join([write_astring(entry.encode("ascii")) for entry in entries])
    return b"* METADATA %b %b\r\n" % (_write_name(name, utf8=utf8), names)


def _write_name(name: str, *, utf8: bool) -> bytes:
    return write_mailbox(name, utf8=utf8) if name else b'""'


def _write_value(value: bytes | None) -> bytes:
    if value is not None and b"\0" in value:
        return b"~{%d}\r\n%b" % (len(value), value)
    return write_nstring(value)
