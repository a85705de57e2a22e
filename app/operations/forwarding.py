"""Asks an address elsewhere whether mail may be forwarded to it: sends it a code, which the account's holder types.

A code goes out as signed mail in the name of the address whose mail is to be forwarded, with the null reverse-path, so
that a target that does not exist brings nothing back. Raises Refusal for what cannot be a target.
"""

from __future__ import annotations

from app.config.live import Live
from app.config.lookup import destination_address
from app.errors import Refusal
from app.operations.servermail import Letter, Post, send
from app.routing.srs import is_rewritten
from app.store.account import forwards
from app.store.account.handle import Account
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
    letter = Letter(
        account=account.name,
        sender=Address(localpart or "postmaster", domain),
        to=target,
        subject=SUBJECT,
        text=_TEXT.format(what=destination if localpart else f"all of {domain}", code=code),
        reverse_path=NULL_PATH,
        max_attempts=MAX_ATTEMPTS,
    )
    await send(post, letter)
