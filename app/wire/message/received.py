"""The Received field that we put on top of a message, and how many there are (RFC 5321 §4.4, RFC 8314 §4.3).

    Received: from NAME (RDNS [IP]) by HOST ([IP]) via tcp with ESMTPS id ID (TLS) for <RECIPIENT>; DATE

A signed-in client is not described: `hide_client` says our own name instead. What the peer said about itself is
written only as far as it is harmless in a header field. Lines are folded at 78 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from app.wire.message.compose import fold
from app.wire.message.dates import write_date
from app.wire.message.header import raw_fields

MAX_NAME = 255

_ODD = re.compile(r"[^A-Za-z0-9.:\[\]_\x80-\U0010ffff-]")
_RECEIVED = re.compile(rb"received[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One reception of a message."""

    ehlo: str  # what the client called itself
    remote_ip: str
    by: str  # our host name
    id: str
    when: datetime
    protocol: str  # see `protocol_name`
    rdns: str = ""  # name of remote_ip, when it was looked up
    local_ip: str = ""
    tls: str = ""  # such as "TLS1.3 TLS_AES_128_GCM_SHA256"
    recipient: str = ""  # only when there is a single one, as the others must not see each other
    requires_tls: bool = False
    hide_client: bool = False


def protocol_name(*, esmtp: bool, tls: bool, auth: bool, utf8: bool) -> str:
    """The `with` word (RFC 3848, RFC 6531 §3.7.3): SMTP, ESMTPSA, UTF8SMTPS, ..."""
    if not esmtp:
        return "SMTP"
    return ("UTF8SMTP" if utf8 else "ESMTP") + ("S" if tls else "") + ("A" if auth else "")


def write_received(hop: Hop) -> bytes:
    """The field with its final line end."""
    words = [f"from {_name(hop.by)}" if hop.hide_client else f"from {_name(hop.ehlo)} {_peer(hop)}"]
    words.append(f"by {_name(hop.by)}" + (f" ([{hop.local_ip}])" if hop.local_ip and not hop.hide_client else ""))
    words.append(f"via tcp with {hop.protocol}" + (" (requiretls)" if hop.requires_tls else ""))
    words.append(f"id {_name(hop.id)}" + (f" ({hop.tls})" if hop.tls else ""))
    if hop.recipient:
        words.append(f"for <{hop.recipient}>")
    return fold("Received", f"{' '.join(words)}; {write_date(hop.when)}")


def _peer(hop: Hop) -> str:
    return f"({_name(hop.rdns)} [{hop.remote_ip}])" if hop.rdns else f"([{hop.remote_ip}])"


def _name(text: str) -> str:
    return _ODD.sub("?", text[:MAX_NAME]) or "unknown"


def count_received(header: bytes) -> int:
    """How many servers have had the message: a loop shows in this number."""
    return sum(1 for field in raw_fields(header) if _RECEIVED.match(field))
