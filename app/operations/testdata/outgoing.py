"""Fills the queue: messages that wait, are held, failed, were delivered and are remembered."""

from __future__ import annotations

from app.operations.testdata.oddmail import LARGE
from app.store.holdrules import HoldRule
from app.store.queuedb import QueueDb
from app.store.queuerecords import Attempt, Ending, Finished, NewMessage, NewRecipient, QueueFilter, Report
from app.store.spool import Body
from app.store.submitted import SendLimits
from app.wire.smtp.address import NULL_PATH, parse_address

_SENDER = "test0@mox.example"
_LIMITS = SendLimits(recipients=1000, first_time=1000)
_YEAR_S = 365 * 86400.0


async def fill(queue: QueueDb, now: float) -> None:
    """Do it; a queue that is empty."""
    numbers = await queue.add(_message("one@there.example", "two@there.example", "three@there.example"), _LIMITS)
    await queue.begin(numbers, lambda attempts: 3600.0)
    deferred, delivered, failed = (
        _finished(number, ending, now)
        for number, ending in zip(numbers, (Ending.DEFERRED, Ending.DELIVERED, Ending.FAILED), strict=True)
    )
    await queue.finish([deferred, delivered, failed])
    await queue.add(_message("held@there.example", body=LARGE))
    await queue.hold(QueueFilter(recipient="held@there.example"), True)
    await queue.suppressions.add("test0", parse_address("gone@there.example"), "no such user")
    await queue.hold_rules.add(HoldRule(account="test2", recipient_domain="there.example"))
    await queue.add(
        NewMessage(
            sender_account="test1",
            reverse_path=NULL_PATH,
            recipients=(NewRecipient(path=parse_address("é@there.example"), notify="NEVER"),),
            body=Body.of(b"Subject: report\r\n\r\nnothing\r\n"),
            smtputf8=True,
            is_dsn=True,
            report=Report.DMARC,
            require_tls=True,
            extra={"key": "value"},
            not_before=now + _YEAR_S,
        )
    )


def _message(*recipients: str, body: bytes = b"Subject: hi\r\n\r\nhello\r\n") -> NewMessage:
    return NewMessage(
        sender_account="test0",
        reverse_path=parse_address(_SENDER),
        recipients=tuple(NewRecipient(path=parse_address(one)) for one in recipients),
        body=Body.of(body),
        prefix=b"Received: by mail.mox.example\r\n",
        message_id="<queued@mox.example>",
        keep_result_s=_YEAR_S,
    )


def _finished(number: int, ending: Ending, now: float) -> Finished:
    attempt = Attempt(
        started=now,
        duration_s=1.5,
        success=ending is Ending.DELIVERED,
        code=250 if ending is Ending.DELIVERED else 450,
        error="" if ending is Ending.DELIVERED else "try again later",
        host="mx.there.example",
        ip="192.0.2.25",
    )
    return Finished(id=number, ending=ending, attempt=attempt, dialogue="EHLO ...", keep_until=now + _YEAR_S)
