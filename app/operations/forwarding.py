"""Asks an address elsewhere whether mail may be forwarded to it: sends it a code, which the account's holder types.

A code goes out as signed mail in the name of the address whose mail is to be forwarded, with the null reverse-path, so
that a target that does not exist brings nothing back. Raises Refusal for what cannot be a target.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app import ids
from app.clock import Clock, utc
from app.config.live import Live
from app.config.lookup import destination_address
from app.errors import Refusal
from app.routing.srs import is_rewritten
from app.store.account import forwards
from app.store.account.handle import Account
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.trust.dkim.sign import sign
from app.wire.message.compose import fold, text, wrap, write_field, write_message
from app.wire.message.dates import write_date
from app.wire.smtp.address import NULL_PATH, Address

SUBJECT = "May mail be forwarded to you?"
MAX_ATTEMPTS = 4  # a code is of no use after some hours
_TEXT = """\
Hello,

somebody wants mail for {what} to be forwarded to this address. If that was you, type this code on the page where you
asked for it:

    {code}

It is good for a day. If you know nothing of this, do nothing, and nothing will be forwarded.
"""


@dataclass(frozen=True, slots=True)
class Post:
    """What mail of ours goes out with."""

    live: Live
    queue: QueueDb
    clock: Clock


async def offer(post: Post, account: Account, destination: str, target: Address) -> None:
    """Add a target that is not confirmed yet, or send one a new code; `destination` is a key of the account's."""
    check_target(post.live, target)
    code = await forwards.add(account, destination, str(target))
    await _send_code(post, account, destination, target, code)


def check_target(live: Live, target: Address) -> None:
    """Raise Refusal for an address that mail cannot be forwarded to."""
    if live.directory.is_local(target.domain):
        raise Refusal("this address is on this server; ask its administrator for an alias, which needs no forwarding")
    if is_rewritten(target.localpart):
        raise Refusal("this is not an address of a person")


async def _send_code(post: Post, account: Account, destination: str, target: Address, code: str) -> None:
    localpart, domain = destination_address(destination)
    what = destination if localpart else f"all of {domain}"
    sender = Address(localpart or "postmaster", domain)
    message_id, now = ids.message_id(domain.ascii), post.clock.now()
    fields = [
        fold("From", f"<{sender.wire}>"),
        fold("To", f"<{target.wire}>"),
        write_field("Subject", SUBJECT),
        fold("Date", write_date(utc(now))),
        fold("Message-Id", message_id),
        fold("Auto-Submitted", "auto-generated"),  # RFC 3834 §5
    ]
    message = write_message(fields, text(wrap(_TEXT.format(what=what, code=code))))
    selectors = post.live.selectors(domain)
    signatures = await asyncio.to_thread(sign, message, selectors, identity=sender, now=int(now))
    await post.queue.add(
        NewMessage(
            sender_account=account.name,
            reverse_path=NULL_PATH,
            recipients=(NewRecipient(path=target),),
            body=Body.of(message),
            prefix=signatures,
            message_id=message_id,
            subject=SUBJECT,
            has_8bit=not message.isascii(),
            smtputf8=not (sender.is_ascii and target.is_ascii),
            max_attempts=MAX_ATTEMPTS,
        )
    )
