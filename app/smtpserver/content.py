"""DATA and BDAT: the content of a message, up to the moment when all of it is here."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from app.smtpserver import incoming, submission
from app.smtpserver.conversation import Answer, Conversation
from app.smtpserver.transaction import Transaction
from app.store.spool import Body
from app.wire.smtp import codes
from app.wire.smtp.command import Data
from app.wire.smtp.data import DataFault
from app.wire.smtp.events import Chunk, ChunkEnd, EndOfData
from app.wire.smtp.reply import Reply

_FAULTS = {
    DataFault.BARE_CR: codes.BAD_SYNTAX.reply("CR without LF in the message; refused, as it may be smtp smuggling"),
    DataFault.BARE_LF: codes.BAD_SYNTAX.reply("LF without CR in the message; refused, as it may be smtp smuggling"),
    DataFault.NUL: codes.BAD_MESSAGE.reply("NUL byte in the message; encode binary content"),
    DataFault.TOO_LARGE: codes.MESSAGE_TOO_LARGE.reply("message too large"),
}


def data(conversation: Conversation, command: Data) -> Reply:
    """DATA: go ahead."""
    return codes.START_INPUT.reply("send the message, end it with a line of a single dot")


def chunk(conversation: Conversation, event: Chunk) -> Coroutine[Any, Any, None] | None:
    """Keep a piece; returns work to be awaited where there is some."""
    assert conversation.transaction is not None
    return conversation.transaction.write(event.data)


def chunk_end(conversation: Conversation, event: ChunkEnd) -> Reply:
    """A chunk of BDAT, not the last, is here (RFC 3030 §2)."""
    assert conversation.transaction is not None
    if conversation.transaction.failure is not None:
        return conversation.transaction.failure
    return codes.DATA_OK.reply(f"{event.size} bytes received")


def end_of_data(conversation: Conversation, event: EndOfData) -> Answer:
    """The message is complete: say why not, or pass it on."""
    transaction = conversation.take_transaction()
    if event.fault is not None:
        transaction.discard()
        # After an imitation of an end of data nobody knows what the client thinks where the message ended.
        conversation.must_close = event.fault in (DataFault.BARE_CR, DataFault.BARE_LF)
        return _FAULTS[event.fault]
    if transaction.failure is not None:
        return transaction.failure
    return _pass_on(conversation, transaction)


async def _pass_on(conversation: Conversation, transaction: Transaction) -> Reply:
    body: Body | None = None
    try:
        finished = transaction.finish()
        body = finished if isinstance(finished, Body) else await finished
        if conversation.service.kind.is_submission:
            return await submission.submit(conversation, transaction, body)
        return await incoming.deliver(conversation, transaction, body)
    finally:
        if body is not None:
            body.discard()
        transaction.discard()
