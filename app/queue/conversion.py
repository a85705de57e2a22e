"""A message as a server without 8BITMIME can take it, signed anew (RFC 6152 §3).

Conversion breaks the DKIM signatures that were made when the message was submitted. Signing only ever the 7-bit form
would spare that, but nearly every server takes 8 bits, so ours are taken off and made again after the conversion
(RFC 6376 §5.3). Signatures of others stay and are broken; the alternative would be not to deliver.

Raises Unconvertible. Blocks: for a large message it runs in a thread.
"""

from __future__ import annotations

import asyncio

from app.errors import MailError
from app.queue.setup import Configured
from app.store.queuedb import Content
from app.trust.dkim.sign import sign
from app.wire.message.addresses import parse_from
from app.wire.message.header import field_name, find_field, raw_fields
from app.wire.message.sevenbit import to_seven_bit
from app.wire.smtp.address import Address

THREAD_BYTES = 64 * 1024  # above this, conversion does not run on the event loop
_SIGNATURE = b"dkim-signature"


async def converted(live: Configured, content: Content, now: int) -> Content:
    """The message in 7 bits, with signatures that hold if it had some of ours."""
    if len(content.prefix) + len(content.body) <= THREAD_BYTES:
        return _converted(live, content, now)
    return await asyncio.to_thread(_converted, live, content, now)


def _converted(live: Configured, content: Content, now: int) -> Content:
    fields = raw_fields(content.prefix)
    kept = [raw for raw in fields if field_name(raw) != _SIGNATURE]
    message = to_seven_bit(b"".join(kept) + content.body[:])
    was_signed = len(kept) < len(fields)
    return Content(_signatures(live, message, now) if was_signed else b"", message)


def _signatures(live: Configured, message: bytes, now: int) -> bytes:
    """Those of the author's domain; none when a key is gone or the author cannot be told any more."""
    author = _author(message)
    if author is None:
        return b""
    try:
        return sign(message, live.selectors(author.domain), identity=author, now=now)
    except MailError:
        return b""


def _author(message: bytes) -> Address | None:
    header = message[: message.find(b"\r\n\r\n") + 2]
    try:
        found = parse_from(find_field(header, "From") or "")
    except MailError:
        return None
    return Address(found[0].localpart, found[0].domain) if len(found) == 1 else None
