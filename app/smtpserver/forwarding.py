"""Passes mail on to the addresses elsewhere that the holder of an account has chosen, and brings back what bounces.

A forwarded message keeps every byte, so that the author's signature holds. In front of it stand our Received and
Authentication-Results, an ARC set that vouches for them, and Delivered-To, by which a loop is known. The reverse-path
becomes a return address of ours (`routing/srs.py`); notices that come to one go to the sender of the message. Junk is
not passed on, as the next server would hold it against us, and nothing goes to an address of this server: mail inside
counts as its author's own word.

The message is in the queue for good before the client has its reply. What no target takes comes into the account after
all (`queue/forwarded.py`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app import metrics
from app.config.lookup import Destined, destination_address
from app.errors import MessageSyntaxError
from app.log import logger
from app.smtpserver.arrival import header_of
from app.smtpserver.transaction import Returned
from app.smtpserver.work import Work
from app.store.account import forwards
from app.store.account.handle import Account
from app.store.queuerecords import NewMessage, NewRecipient
from app.trust.arc import ArcStatus
from app.trust.arcseal import seal
from app.trust.dkim.sign import CannotSign, Selector
from app.wire.domain import Domain
from app.wire.message.authresults import FIELD, parse_results
from app.wire.message.header import find_field, find_fields
from app.wire.smtp.address import NULL_PATH, Address, ForwardPath, ReversePath, parse_address

log = logger("smtpserver")
_FORWARDED = metrics.counter("smtpserver_forwarded_total", "Messages passed on to addresses elsewhere.")
_RETURNED = metrics.counter("smtpserver_returned_total", "Notices about forwarded mail passed to its senders.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where a message goes from one address of an account."""

    destined: Destined
    path: ForwardPath  # what the sender has written
    targets: tuple[Address, ...]
    keeps_copy: bool

    @property
    def domain(self) -> Domain:
        """In whose name it goes."""
        return destination_address(self.destined.destination_key)[1]


async def find(work: Work, destined: Destined, account: Account, path: ForwardPath) -> Onward | None:
    """Where the message is to go; None when it stays, as nearly all mail does."""
    plan = (await forwards.current(account)).get(destined.destination_key)
    if plan is None:
        return None
    if _has_been_here(work, path):
        log.warn("mail is forwarded in a circle", cid=work.cid, account=destined.account_name, address=path)
        return None
    targets = tuple(
        one for one in map(parse_address, plan.targets) if not work.resources.directory.is_local(one.domain)
    )
    if not targets:
        return None
    return Onward(destined=destined, path=path, targets=targets, keeps_copy=plan.keeps_copy)


def _has_been_here(work: Work, path: ForwardPath) -> bool:
    """Whether it was forwarded from this address before."""
    header = header_of(work.prepared.body.data)
    return any(value.strip().lower() == path.wire.lower() for value in find_fields(header, "Delivered-To"))


async def forward(work: Work, onward: Onward) -> None:
    """Queue the message for all targets; raises what the queue and the store raise."""
    resources, destined = work.resources, onward.destined
    prefix = await _prefix(work, onward)
    await resources.queue.add(
        NewMessage(
            sender_account=destined.account_name,
            reverse_path=await _reverse_path(work, onward.domain),
            recipients=tuple(NewRecipient(path=target) for target in onward.targets),
            body=work.prepared.body,
            prefix=prefix,
            message_id=work.prepared.message_id or "",
            subject=work.prepared.base_subject,
            has_8bit=await _has_8bit(work),
            smtputf8=work.smtputf8,
            require_tls=True if work.requires_tls else None,
            forwarded_for=destined.destination_key,
            has_copy=onward.keeps_copy,
        )
    )
    _FORWARDED.inc()
    log.info("message forwarded", cid=work.cid, account=destined.account_name, targets=len(onward.targets))


async def _reverse_path(work: Work, at: Domain) -> ReversePath:
    """Ours, unless we may send for its domain anyway."""
    sender, directory = work.reverse_path, work.resources.directory
    if isinstance(sender, Address) and directory.is_local(sender.domain) and not directory.is_disabled(sender.domain):
        return sender
    assert work.resources.returns is not None
    return await work.resources.returns.path(sender, at)


async def _has_8bit(work: Work) -> bool:
    return not await asyncio.to_thread(lambda: work.prepared.body.data[:].isascii())


async def _prefix(work: Work, onward: Onward) -> bytes:
    """What stands in front of it, with a seal when the message came from elsewhere."""
    delivered = f"Delivered-To: {onward.path.wire}\r\n".encode() if onward.path.is_ascii else b""
    selector = _selector(work.resources.live.selectors(onward.domain))
    if work.evidence is None or selector is None:
        return delivered + work.fields
    results = find_field(work.evidence.fields, FIELD) or ""
    now, chain = int(work.resources.clock.now()), _chain(results)
    try:
        sealed = await asyncio.to_thread(
            lambda: seal(work.prepared.body.data[:], selector, results=results.strip(), chain=chain, now=now)
        )
    except CannotSign:
        sealed = b""
    return delivered + sealed + work.fields


def _selector(selectors: tuple[Selector, ...]) -> Selector | None:
    """An RSA key where there is one, as all servers that check seals know those."""
    rsa = (one for one in selectors if one.key.algorithm == "rsa-sha256")
    return next(rsa, selectors[0] if selectors else None)


def _chain(results: str) -> ArcStatus:
    """What we have found the chain to be worth."""
    try:
        found = parse_results(results).results
    except MessageSyntaxError:
        return ArcStatus.FAIL
    return next((ArcStatus(one.result) for one in found if one.method == "arc"), ArcStatus.NONE)


async def give_back(work: Work, returned: Returned) -> None:
    """Queue a notice that came to a return address for the sender of the message it is about."""
    await work.resources.queue.add(
        NewMessage(
            sender_account="",
            reverse_path=NULL_PATH,
            recipients=(NewRecipient(path=returned.sender),),
            body=work.prepared.body,
            prefix=work.fields,
            message_id=work.prepared.message_id or "",
            subject=work.prepared.base_subject,
            has_8bit=await _has_8bit(work),
            smtputf8=work.smtputf8,
            is_dsn=True,
        )
    )
    _RETURNED.inc()
    log.info("notice passed on to the sender of a forwarded message", cid=work.cid, to=returned.sender)
