"""Sends the vacation answer of an account to who wrote a message that was delivered to it.

Nothing of this can fail a delivery: the message is stored already. The answer goes out like mail of the account, with
its DKIM signatures and the null reverse-path (RFC 3834 §3.3), so that nobody answers it and no failure comes back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator

from app import ids, metrics
from app.clock import utc
from app.config.lookup import Destined
from app.errors import MailError, WireError
from app.log import logger
from app.routing.vacation import Answer, Letter, addressees, compose, why_silent
from app.smtpserver.work import Work
from app.store.account import vacation
from app.store.account.handle import Account
from app.store.account.vacation import Vacation
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.trust.dkim.sign import CannotSign, sign
from app.wire.smtp.address import NULL_PATH, Address, parse_address, write_localpart

MAX_HEADER = 64 * 1024

log = logger("smtpserver")
_ANSWERS = metrics.counter("smtpserver_vacation_total", "Vacation answers sent.")


async def answer(work: Work, destined: Destined, account: Account, *, is_welcome: bool) -> None:
    """Answer the message, when its account has somebody away and the message is one to answer."""
    try:
        wanted = await vacation.current(account)
        if wanted.holds(work.resources.clock.now()):
            await _answer(work, destined, account, wanted, is_welcome)
    except (MailError, sqlite3.Error, OSError) as error:
        log.warn("cannot send a vacation answer", cid=work.cid, account=destined.account_name, err=error)


async def _answer(work: Work, destined: Destined, account: Account, wanted: Vacation, is_welcome: bool) -> None:
    letter = _letter(work, destined, is_welcome=is_welcome)
    if reason := why_silent(letter):
        log.debug("no vacation answer", cid=work.cid, account=destined.account_name, reason=reason)
        return
    sender = work.reverse_path
    assert isinstance(sender, Address)
    if not await account.write(lambda tx: vacation.take_turn(tx, str(sender).lower())):
        return
    told = Answer(name=destined.account.full_name, subject=wanted.subject, text=wanted.text)
    await _queue(work, destined, told, letter)
    _ANSWERS.inc()
    log.info("vacation answer sent", cid=work.cid, account=destined.account_name, to=sender)


def _letter(work: Work, destined: Destined, *, is_welcome: bool) -> Letter:
    header, sender = _header(work), work.reverse_path
    return Letter(
        header=header,
        reverse_path=sender,
        holder=next((one for one in _addressees(header) if _is_of(work, destined, one)), None),
        is_own=isinstance(sender, Address) and _is_of(work, destined, sender),
        is_proven=_is_proven(work),
        is_welcome=is_welcome,
    )


def _header(work: Work) -> bytes:
    head = bytes(work.prepared.body.data[:MAX_HEADER])
    end = head.find(b"\r\n\r\n")
    return head[: end + 2] if end >= 0 else head


def _is_proven(work: Work) -> bool:
    """Whether the reverse-path is that of the sender: an answer to a forged one would be junk from us."""
    if work.evidence is None:
        return work.author is not None
    path, author = work.reverse_path, work.evidence.author
    if not isinstance(path, Address):
        return False
    by_spf = work.evidence.mail_from is not None and work.evidence.mail_from.domain == path.domain
    return by_spf or (work.evidence.is_validated and author is not None and author.domain == path.domain)


def _addressees(header: bytes) -> Iterator[Address]:
    for one in addressees(header):
        try:
            yield parse_address(f"{write_localpart(one.localpart)}@{one.domain}")
        except WireError:
            continue


def _is_of(work: Work, destined: Destined, address: Address) -> bool:
    """Whether the address is one of the account, not an alias or a catchall."""
    found = work.resources.directory.find(address)
    if not isinstance(found, Destined) or found.account_name != destined.account_name:
        return False
    return not found.destination_key.startswith("@")


async def _queue(work: Work, destined: Destined, told: Answer, letter: Letter) -> None:
    resources, sender, holder = work.resources, letter.reverse_path, letter.holder
    assert isinstance(sender, Address)
    assert holder is not None
    now = resources.clock.now()
    message_id = ids.message_id(holder.domain.ascii)
    message = compose(told, letter, message_id, utc(now))
    selectors = resources.live.selectors(holder.domain)
    try:
        prefix = await asyncio.to_thread(sign, message, selectors, identity=holder, now=int(now))
    except CannotSign:
        prefix = b""
    await resources.queue.add(
        NewMessage(
            sender_account=destined.account_name,
            reverse_path=NULL_PATH,
            recipients=(NewRecipient(path=sender),),
            body=Body.of(message),
            prefix=prefix,
            message_id=message_id,
            has_8bit=not message.isascii(),
            smtputf8=not sender.is_ascii,
            is_dsn=True,
        )
    )
