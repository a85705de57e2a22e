"""What signatures sign: the fields of a message and its body, formed and hashed (RFC 6376 §3.4, §3.7, §5.4).

One `Content` serves all signatures of a message, DKIM's and ARC's: the header is taken apart once, the body hashed once
for each form. The forming and hashing of the header is dkimpy's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.trust.dkim.record import KeyRecord
from app.wire.message.header import raw_fields

Fields = list[tuple[bytes, bytes]]  # name as written, and value with its line end


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A signature over fields, and the field that it stands in."""

    field: tuple[bytes, bytes]  # its name, and its value as it stands in the message
    names: Sequence[bytes]  # of the signed fields, in lower case, in the order of signing
    algorithm: str
    signature: str  # base64
    relaxed: bool


class Content:
    """One message."""

    def __init__(self, header: bytes, body: bytes) -> None:
        self.header = header
        self._body = body
        self._fields: Fields = []
        self._hashes: dict[bool, tuple[bytes, int]] = {}

    def fields(self) -> Fields:
        """Name and value of each field."""
        if not self._fields:
            parts = (raw.partition(b":") for raw in raw_fields(self.header))
            self._fields = [(name, ended(value)) for name, colon, value in parts if colon]
        return self._fields

    def body_hash(self, *, relaxed: bool) -> tuple[bytes, int]:
        """The SHA-256 of the body in one of its forms, and the length of that form."""
        if relaxed not in self._hashes:
            from app.trust.dkim import engine

            body = engine.relaxed_body(self._body) if relaxed else engine.simple_body(self._body)
            self._hashes[relaxed] = hashlib.sha256(body).digest(), len(body)
        return self._hashes[relaxed]

    def is_signed(self, claim: Claim, key: KeyRecord) -> bool:
        """Whether the claim is right for the fields of this message."""
        return is_signed(self.fields(), claim, key)


def is_signed(fields: Fields, claim: Claim, key: KeyRecord) -> bool:
    """Whether the claim is right for these fields, of which the last with a name counts first (RFC 6376 §5.4.2)."""
    from app.trust.dkim import engine

    wanted = frozenset(claim.names)
    task: Any = engine.DKIM(minkey=0)
    task.headers = [field for field in fields if field[0].strip().lower() in wanted]
    task.pk, task.keysize, task.ktag = key.public, key.bits, key.kind.encode()
    tags = {
        b"a": claim.algorithm.encode(),
        b"b": claim.signature.encode(),
        b"c": b"relaxed/relaxed" if claim.relaxed else b"simple/simple",
    }
    name, value = claim.field
    try:
        return bool(task.verify_sig_process(tags, list(claim.names), (name, ended(value)), None))
    except engine.DKIMException:
        return False


def ended(value: bytes) -> bytes:
    """A field's value with its line end."""
    return value if value.endswith(b"\n") else value + b"\r\n"


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Header section and body; the line between them belongs to neither."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    return (message, b"") if end < 0 else (message[: end + 2], message[end + 4 :])
