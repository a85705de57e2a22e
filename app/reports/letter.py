"""The mail that a report goes in: from postmaster at our host name, signed, and queued once.

`number` says what the mail is about and to whom. The Message-ID follows from it, and a message that the queue knows by
it is not queued again; results are kept longer than anybody would ask.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

from app.clock import utc
from app.log import logger
from app.reports.setup import Setup
from app.store.messagefate import Ended
from app.store.queuerecords import NewMessage, NewRecipient, Report
from app.store.spool import Body
from app.trust.dkim.sign import CannotSign, Selector, sign
from app.wire.domain import Domain
from app.wire.message.compose import Content, fold, write_field, write_message
from app.wire.message.dates import write_date
from app.wire.message.header import Field
from app.wire.smtp.address import Address

MAX_ATTEMPTS: Final = 5
KEEP_RESULT_S: Final = 4 * 24 * 3600.0

log = logger("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One report for one address."""

    number: str
    to: Address
    subject: str
    content: Content
    report: Report
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The message as it will be sent, without signatures."""

    letter: Letter
    sender: Address
    message_id: str
    data: bytes


def number_of(*about: object) -> str:
    """A number that follows from what it is about."""
    return hashlib.sha256("\0".join(map(str, about)).encode("utf-8", "replace")).hexdigest()[:32]


def compose(setup: Setup, letter: Letter) -> Composed:
    """The message."""
    sender = Address("postmaster", setup.hostname)
    message_id = f"<{number_of(letter.number, letter.to.wire)}@{setup.hostname.ascii}>"
    fields = [
        fold("From", f"<{sender.wire}>"),
        fold("To", f"<{letter.to.wire}>"),
        write_field("Subject", letter.subject),
        fold("Date", write_date(utc(setup.clock.now()))),
        fold("Message-Id", message_id),
        fold("Auto-Submitted", "auto-generated"),  # RFC 3834 §5
        *(fold(one.name, one.value) for one in letter.fields),
    ]
    return Composed(letter=letter, sender=sender, message_id=message_id, data=write_message(fields, letter.content))


async def send(setup: Setup, composed: Composed) -> bool:
    """Queue the message; False when the queue has or had it already."""
    if (await setup.queue.fate(composed.message_id)).ended is not Ended.UNKNOWN:
        return False
    signatures = await asyncio.to_thread(_sign, setup, composed)
    letter = composed.letter
    await setup.queue.add(
        NewMessage(
            sender_account="",
            reverse_path=composed.sender,
            recipients=(NewRecipient(path=letter.to),),
            body=Body.of(composed.data),
            prefix=signatures,
            message_id=composed.message_id,
            subject=letter.subject,
            has_8bit=not composed.data.isascii(),
            smtputf8=not letter.to.is_ascii,
            report=letter.report,
            max_attempts=MAX_ATTEMPTS,
            keep_result_s=KEEP_RESULT_S,
        )
    )
    return True


def _sign(setup: Setup, composed: Composed) -> bytes:
    selectors = selectors_of(setup, composed.sender.domain)
    try:
        return sign(composed.data, selectors, identity=composed.sender, now=int(setup.clock.now()))
    except CannotSign as error:
        log.error("a report cannot be signed", err=error)
        return b""


def selectors_of(setup: Setup, host: Domain) -> tuple[Selector, ...]:
    """The keys of the host name, or of the nearest domain above it that has some: those align as well."""
    labels = host.ascii.split(".")
    for start in range(len(labels) - 1):
        if selectors := setup.live.selectors(Domain(".".join(labels[start:]))):
            return selectors
    return ()
