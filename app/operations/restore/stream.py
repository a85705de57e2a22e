"""Messages on their way to a running server: a line of JSON about each, and its bytes.

    for piece in pack(messages): ...               what the command sends
    async for incoming in unpack(pieces, tmp_dir): what the server takes; large bodies wait in files

`unpack` raises Refusal for what `pack` would not have made, Temporary when the disk is full.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Final

from app.errors import Refusal
from app.operations.mailimport.incoming import Incoming
from app.operations.restore.selecting import Returning
from app.store.spool import Spool
from app.wire.imap.flags import ALL, FlagSet

PIECE: Final = 1 << 18
MAX_LINE: Final = 1 << 18
_BROKEN: Final = "the messages that were sent cannot be understood"


def pack(messages: Iterable[Returning]) -> Iterator[bytes]:
    """The bytes."""
    for one in messages:
        message = one.message
        about = {
            "mailbox": one.mailbox,
            "uid": message.uid,
            "flags": message.flags,
            "keywords": message.keywords,
            "internaldate": message.internaldate,
            "size": message.content.size_bytes,
        }
        yield json.dumps(about).encode() + b"\n"
        yield message.content.prefix
        body = message.content.body
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]


async def unpack(pieces: AsyncIterator[bytes], tmp_dir: Path) -> AsyncIterator[Incoming]:
    """The messages."""
    pending = bytearray()
    async for piece in pieces:
        pending += piece
        while (end := pending.find(b"\n")) >= 0:
            about = bytes(pending[:end])
            del pending[: end + 1]
            yield await _message(about, pending, pieces, tmp_dir)
        if len(pending) > MAX_LINE:
            raise Refusal(_BROKEN)
    if pending:
        raise Refusal(_BROKEN)


async def _message(line: bytes, pending: bytearray, pieces: AsyncIterator[bytes], tmp_dir: Path) -> Incoming:
    """The message that a line is about; its bytes are taken from what is pending and what comes."""
    try:
        about = json.loads(line)
        mailbox, keywords = str(about["mailbox"]), tuple(str(about["keywords"]).split())
        uid, bits, internaldate, left = (int(about[name]) for name in ("uid", "flags", "internaldate", "size"))
    except (ValueError, KeyError, TypeError):
        raise Refusal(_BROKEN) from None
    spool = Spool(tmp_dir)
    try:
        while left > 0:
            if not pending:
                pending += await anext(pieces)
            taken = bytes(pending[:left])
            del pending[:left]
            left -= len(taken)
            spool.write(taken)
        body = spool.finish()
    except StopAsyncIteration:
        spool.discard()
        raise Refusal(_BROKEN) from None
    except BaseException:
        spool.discard()
        raise
    flags = FlagSet(bits & ALL, keywords)
    origin = f"{mailbox}, message {uid}"
    return Incoming(mailbox=mailbox, body=body, flags=flags, internaldate=internaldate, origin=origin)
