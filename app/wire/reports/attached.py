"""Finds the report in a message: the part whose type or file name says so, or else the whole body.

Senders do not agree on types: a gzip file is called application/zip, octet-stream or text/plain. So the type or the
name only makes a part a candidate, and its first bytes tell what it is. Messages within the message are not looked
into: a report that somebody forwards is not from who wrote the message. Raises BadReport.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.wire.message.decode import decode_body
from app.wire.message.part import Part
from app.wire.reports.unpack import unpack
from app.wire.reports.values import BadReport

MAX_MESSAGE: Final = 15 << 20
MAX_CANDIDATES: Final = 5

_PACKED = frozenset(
    "application/" + name
    for name in ("zip", "x-zip", "x-zip-compressed", "gzip", "x-gzip", "gzip-compressed", "octet-stream")
)
_STARTS_PACKED = (b"\x1f\x8b", b"PK\x03\x04")
_BLANKS = b" \t\r\n"
_NOTHING = _BLANKS + b"\0\xef\xbb\xbf\xff\xfe"  # blanks, and what tells the form of Unicode


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of report: its media types, names of files, and how its text begins."""

    words: str
    types: frozenset[str]
    suffixes: tuple[str, ...]
    begins: bytes


DMARC: Final = Kind(
    words="DMARC report",
    types=_PACKED | {"text/xml", "application/xml", "application/dmarc+xml"},
    suffixes=(".xml", ".xml.gz", ".gz", ".zip"),
    begins=b"<",
)
TLS: Final = Kind(
    words="TLS report",
    types=_PACKED | {"application/tlsrpt+gzip", "application/tlsrpt+json", "application/json", "text/json"},
    suffixes=(".json", ".json.gz", ".gz", ".zip"),
    begins=b"{",
)


def find_report(data: bytes | mmap.mmap, root: Part, kind: Kind) -> bytes:
    """The unpacked text of the report in a message."""
    if len(data) > MAX_MESSAGE:
        raise BadReport(f"the message is larger than {MAX_MESSAGE >> 20} MB")
    fault = BadReport(f"there is no {kind.words} in the message")
    for part in _candidates(root, kind):
        try:
            content = unpack(_start(decode_body(data, part, MAX_MESSAGE)))
        except BadReport as error:
            fault = error
            continue
        if content[:64].lstrip(_NOTHING).startswith(kind.begins):
            return content
    raise fault


def _start(content: bytes) -> bytes:
    """What is packed, without blank lines in front of it."""
    stripped = content[:64].lstrip(_BLANKS)
    return content[len(content[:64]) - len(stripped) :] if stripped.startswith(_STARTS_PACKED) else content


def _candidates(root: Part, kind: Kind) -> Iterator[Part]:
    """Parts that may be the report, the likely ones first, and at last what is there when nothing is said."""
    leaves = list(_leaves(root))
    named = [part for part in leaves if part.content_type.full in kind.types or _name(part).endswith(kind.suffixes)]
    yield from named[:MAX_CANDIDATES]
    if not named and len(leaves) == 1:
        yield leaves[0]


def _leaves(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.children:
            waiting.extend(reversed(part.children))
        elif part.message is None:
            yield part


def _name(part: Part) -> str:
    disposition = part.details.disposition
    written = disposition.param("filename") if disposition is not None else None
    return (written or part.content_type.param("name") or "").strip().lower()
