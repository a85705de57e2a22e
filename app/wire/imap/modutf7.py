"""Mailbox names in modified UTF-7, as IMAP4rev1 clients write them (RFC 3501 §5.1.3).

Printable ASCII stands for itself, `&` is `&-`, and everything else is UTF-16 in base64 with `,` for `/` between `&` and
`-`. Decoding is strict: a name has exactly one written form, so two clients that see one mailbox cannot create a twin
of it. Everything that breaks this raises ImapSyntaxError.
"""

from __future__ import annotations

import binascii
import re

from app.errors import ImapSyntaxError

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PLAIN = re.compile(rb"[\x20-\x25\x27-\x7e]*")
_TO_SHIFT = re.compile(r"&|[^\x20-\x7e]+")


def decode(raw: bytes) -> str:
    """The name that `raw` stands for."""
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    pieces: list[str] = []
    start = 0
    while (shift := raw.find(b"&", start)) >= 0:
        found = _SHIFTED.match(raw, shift)
        if found is None:
            raise ImapSyntaxError("mailbox name in modified UTF-7 has an & that no - closes", shift)
        pieces += (_printable(raw[start:shift]), _unshift(found[1]))
        start = found.end()
    name = "".join((*pieces, _printable(raw[start:])))
    if encode(name) != raw:
        raise ImapSyntaxError("mailbox name is not in the shortest form of modified UTF-7")
    return name


def _printable(raw: bytes) -> str:
    if not _PLAIN.fullmatch(raw):
        raise ImapSyntaxError("mailbox name in modified UTF-7 has bytes outside printable ASCII")
    return raw.decode("ascii")


def _unshift(base64: bytes) -> str:
    if not base64:
        return "&"
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    try:
        return binascii.a2b_base64(padded).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ImapSyntaxError("mailbox name in modified UTF-7 has broken base64") from error


def encode(name: str) -> bytes:
    """The one written form of `name`."""
    return _TO_SHIFT.sub(_shift, name).encode("ascii")


def _shift(run: re.Match[str]) -> str:
    if run[0] == "&":
        return "&-"
    raw = binascii.b2a_base64(run[0].encode("utf-16-be"), newline=False)
    return "&" + raw.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"
