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
from app.wire.smtp.address import ForwardPath, ReversePath
from app.wire.smtp.params import MailParams, RcptParams
from app.wire.smtp.reply import Reply

PIECE_BYTES = 1 << 20  # of a large message that is written to its file at once


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward-path that was accepted at RCPT; `found` is None when nobody here has it."""

    path: ForwardPath
    params: RcptParams
    found: Destined | AliasFound | None


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One message."""

    reverse_path: ReversePath
    params: MailParams
    tmp_dir: Path
    recipients: list[Recipient] = field(default_factory=list)
    id: str = field(default_factory=ids.token)  # 22 characters, in our Received field and in the log
    failure: Reply | None = None
    _spool: Spool | None = None
    _waiting: list[bytes] = field(default_factory=list)
    _waiting_bytes: int = 0

    def write(self, data: bytes) -> Coroutine[Any, Any, None] | None:
        """Keep a piece of the content; returns work to be awaited before the next piece where there is some."""
        if self.failure is not None:
            return None
        if self._spool is None:
            self._spool = Spool(self.tmp_dir)
        if self._spool.size + self._waiting_bytes + len(data) <= MEMORY_LIMIT:
            self._spool.write(data)
            return None
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        return self._flush() if self._waiting_bytes >= PIECE_BYTES else None

    def finish(self) -> Body | Coroutine[Any, Any, Body]:
        """The whole content, durable where it is a file; at once where it is in memory."""
        if self._spool is None:
            return Body.of(b"")
        if not self._waiting and self._spool.size <= MEMORY_LIMIT:
            return self._spool.finish()
        return asyncio.to_thread(self._finish_now)

    def discard(self) -> None:
        """Forget the content."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
        self._waiting.clear()

    async def _flush(self) -> None:
        try:
            await asyncio.to_thread(self._flush_now)
        except Temporary:
            self.failure = codes.STORAGE_FULL.reply("no room to store the message, try again later")
            self.discard()

    def _flush_now(self) -> None:
        assert self._spool is not None
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._spool.write(data)

    def _finish_now(self) -> Body:
        assert self._spool is not None
        self._flush_now()
        return self._spool.finish()
