"""A message on its way to one group of recipients, in the form that a server can take.

What a server offers decides: without 8BITMIME the message goes in 7 bits. SMTPUTF8 is asked for only where the header
or an address of this very group needs it, so that one recipient with an international address does not keep the mail
from all others (RFC 6531 §3.1). The other form is made once, however many servers are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.queue.conversion import converted
from app.queue.gather import Group
from app.queue.setup import Configured
from app.store.queuedb import Content
from app.store.queuerecords import Queued
from app.wire.smtp.client import Capabilities, Envelope, Recipient

MAX_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """What one transaction says and carries."""

    envelope: Envelope
    content: Content


class Shipment:
    """The group and the message."""

    def __init__(self, live: Configured, now: float, group: Group, content: Content) -> None:
        self.rows = group.rows
        self._live = live
        self._now = now
        self._content = content
        self._seven_bit: Content | None = None
        self._has_ascii_header = not group.first.smtputf8 or _has_ascii_header(content)

    async def packed(self, offers: Capabilities, indexes: Sequence[int]) -> Packed:
        """For some of the rows, at a server that offers this. Raises Unconvertible."""
        rows = [self.rows[index] for index in indexes]
        first = rows[0]
        has_8bit = first.has_8bit
        needs_utf8 = first.smtputf8 and not (self._has_ascii_header and _have_ascii_addresses(rows))
        content = self._content
        # A server without SMTPUTF8 that is needed refuses for that reason, whatever becomes of the rest.
        if has_8bit and not offers.eight_bit and not needs_utf8:
            if self._seven_bit is None:
                self._seven_bit = await converted(self._live, content, int(self._now))
            content, has_8bit = self._seven_bit, False
        envelope = Envelope(
            reverse_path=first.reverse_path,
            recipients=tuple(Recipient(path=row.recipient, notify=row.notify, orcpt=row.orcpt) for row in rows),
            size=len(content.prefix) + len(content.body),
            has_8bit=has_8bit,
            smtputf8=needs_utf8,
            require_tls=first.require_tls is True,
            ret=first.ret,
            envid=first.envid,
        )
        return Packed(envelope, content)


def _has_ascii_header(content: Content) -> bool:
    end = content.body.find(b"\r\n\r\n", 0, MAX_HEADER)
    return content.prefix.isascii() and content.body[: end if end >= 0 else MAX_HEADER].isascii()


def _have_ascii_addresses(rows: Sequence[Queued]) -> bool:
    return all(row.recipient.is_ascii and row.reverse_path.is_ascii for row in rows)
