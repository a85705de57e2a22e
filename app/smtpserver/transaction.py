"""The envelope and the content of one message on its way in, from MAIL to the end of data.

Content is spooled: in memory while small, otherwise in a temporary file that is written in a thread in large pieces. A
disk that does not take it spoils the transaction, not the connection: `failure` is then the reply to the end of data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import ids
from app.config.lookup import AliasFound, Destined
from app.errors import Temporary
from app.store.spool import MEMORY_LIMIT, Body, Spool
from app.wire.smtp import codes
from app.wire.smtp.address import Address, AddressLiteral, ForwardPath, ReversePath
from app.wire.smtp.params import MailParams, RcptParams
from app.wire.smtp.reply import Reply

PIECE_BYTES = 1 << 20  # of a large message that is written to its file at once
MAX_PIECES = 256  # that wait; a client may send chunks of a byte each, and each piece costs memory of its own


@dataclass(frozen=True, slots=True)
class Returned:
    """A return address of ours, which leads to the sender of a message that we have forwarded."""

    sender: Address | AddressLiteral


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward-path that was accepted at RCPT; `found` is None when nobody here has it."""

    path: ForwardPath
    params: RcptParams
    found: Destined | AliasFound | Returned | None


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One message."""

    reverse_path: ReversePath
    params: MailParams
    tmp_dir: Path
    recipients: list[Recipient] = field(default_factory=list)
    id: str = field(default_factory=ids.token)  # 22 characters, in our Received field and in the log
    failure: Reply | None = None
    is_proved: bool | None = None  # whether SPF vouches for the reverse-path; None before it was asked
    _paths: set[ForwardPath] = field(default_factory=set)
    _spool: Spool | None = None
    _waiting: list[bytes] = field(default_factory=list)
    _waiting_bytes: int = 0

    def add(self, recipient: Recipient) -> None:
        """Add a recipient; one that is named twice still gets one message."""
        if recipient.path not in self._paths:
            self._paths.add(recipient.path)
            self.recipients.append(recipient)

    def write(self, data: bytes) -> Coroutine[Any, Any, None] | None:
        """Keep a piece of the content; returns work to be awaited before the next piece where there is some."""
        if self.failure is not None:
            return None
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if len(self._waiting) >= MAX_PIECES:
            self._waiting = [b"".join(self._waiting)]
        return self._flush() if self._waiting_bytes >= PIECE_BYTES else None

    def finish(self) -> Body | Coroutine[Any, Any, Body]:
        """The whole content, durable where it is a file; at once where it is in memory."""
        if self._spool is None and self._waiting_bytes <= MEMORY_LIMIT:
            return Body.of(b"".join(self._waiting))
        return asyncio.to_thread(self._finish_now)

    def discard(self) -> None:
        """Forget the content."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
        self._waiting.clear()
        self._waiting_bytes = 0

    async def _flush(self) -> None:
        try:
            await asyncio.to_thread(self._flush_now)
        except Temporary:
            self.failure = codes.STORAGE_FULL.reply("no room to store the message, try again later")
            self.discard()

    def _flush_now(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        if self._spool is None:
            self._spool = Spool(self.tmp_dir)
        self._spool.write(data)

    def _finish_now(self) -> Body:
        self._flush_now()
        assert self._spool is not None
        return self._spool.finish()
