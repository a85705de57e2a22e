"""A message that has arrived: its content with what the header says that decides about delivery.

The header is looked at once, and only its first `MAX_HEADER` bytes; of a longer one nobody can say who its author is.
"""

from __future__ import annotations

import itertools
import mmap
import re
from dataclasses import dataclass

from app.errors import MessageSyntaxError
from app.store.spool import Body
from app.wire.message.addresses import parse_from
from app.wire.message.header import MAX_VALUE, fields_pattern, find_field, raw_fields, unfold
from app.wire.message.received import count_received
from app.wire.smtp.address import Address

MAX_HEADER = 1 << 20
MAX_RECEIVED = 100  # RFC 5321 §6.3 asks for a hundred

_FROM = fields_pattern(b"from")
# Lines that some mail programs take for From: with signs around the name that nobody sees, or a fold before the colon.
_LIKE_FROM = re.compile(rb"\n(?i:(?:[^\n \t!-~][^\n!-~]*+)?from[^\n!-~]*+(?:\n[ \t]++)?):")
_FIELD_START = re.compile(rb"[!-9;-~]+[ \t]*:")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The body and its header section."""

    body: Body
    header: bytes

    @property
    def is_looping(self) -> bool:
        """Whether so many servers have handed the message on that it must go in circles."""
        return count_received(self.header) > MAX_RECEIVED

    @property
    def has_several_authors(self) -> bool:
        """Whether there is more than one From field, so that a mail program may show another than was checked."""
        return sum(1 for _ in itertools.islice(_LIKE_FROM.finditer(b"\n" + self.header), 2)) > 1

    @property
    def is_too_long(self) -> bool:
        """Whether the header does not end where it is looked at: what comes behind may name another author."""
        return len(self.header) >= MAX_HEADER

    def author(self) -> Address | None:
        """The one address of the one From field; None when nobody can say who the author is."""
        try:
            found = self.authors()
        except MessageSyntaxError:
            return None
        return found[0] if len(found) == 1 else None

    def authors(self) -> list[Address]:
        """The addresses of the one From field; raises MessageSyntaxError."""
        if self.is_too_long:
            raise MessageSyntaxError(f"the header is longer than {MAX_HEADER} bytes")
        values = [match[1] for match in _FROM.finditer(b"\n" + self.header)]
        if len(values) != 1:
            raise MessageSyntaxError("the message has no From field" if not values else "more than one From field")
        if len(values[0]) > MAX_VALUE:  # what is behind it would not be looked at
            raise MessageSyntaxError(f"the From field is longer than {MAX_VALUE} bytes")
        return [Address(author.localpart, author.domain) for author in parse_from(unfold(values[0]))]

    @property
    def is_well_formed(self) -> bool:
        """Whether the header is nothing but fields, so that readers agree on them; also with fields put in front."""
        return all(_FIELD_START.match(raw) for raw in raw_fields(self.header))

    def field(self, name: str) -> str:
        """The value of the first field of that name, or ""."""
        return find_field(self.header, name) or ""


def arrival(body: Body) -> Arrival:
    """The body with its header found."""
    return Arrival(body, header_of(body.data))


def header_of(data: bytes | mmap.mmap) -> bytes:
    """The header section, without the empty line; nothing when the message begins with that line."""
    if data[:2] == b"\r\n":
        return b""
    end = data.find(b"\r\n\r\n", 0, MAX_HEADER)
    return data[: end + 2] if end >= 0 else data[:MAX_HEADER]
