"""Delivers a message to an address of this server by hand: past SMTP, past everything that judges, by the rules.

For what must reach somebody while mail is not to be had otherwise, and for tests. An alias delivers to its members.
Forwards and vacation answers are left out. The message is durable when this returns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.config.live import Live
from app.config.lookup import AliasFound, Destined
from app.errors import Refusal
from app.routing.rulesets import find_ruleset, read_facts
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import Prepared, prepare
from app.store.accounts import Accounts
from app.store.spool import Body
from app.wire.message.packed import unpack
from app.wire.smtp.address import Address


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a message went."""

    account: str
    mailbox: str


async def deliver(live: Live, accounts: Accounts, address: Address, body: Body) -> list[Delivered]:
    """Deliver to everybody the address leads to; raises Refusal when that is nobody, OverQuota, Temporary."""
    found = live.directory.find(address)
    if found is None:
        raise Refusal(f"{address} is no address of this server")
    prepared = await asyncio.to_thread(prepare, body)
    members = found.members if isinstance(found, AliasFound) else (found,)
    return [await _deliver_to(accounts, address, member, prepared) for member in members]


async def _deliver_to(accounts: Accounts, address: Address, to: Destined, prepared: Prepared) -> Delivered:
    mailbox = await asyncio.to_thread(_mailbox, to, prepared)
    prefix = f"Delivered-To: {address}\r\nReturn-Path: <>\r\n".encode()
    account = await accounts.open(to.account_name)
    await account.write(lambda tx: messages.deliver(tx, Incoming(mailbox=mailbox, prepared=prepared, prefix=prefix)))
    return Delivered(to.account_name, mailbox)


def _mailbox(to: Destined, prepared: Prepared) -> str:
    """That of the first rule that matches, or of the destination."""
    root = unpack(prepared.parts)
    facts = read_facts(prepared.body.data[root.header_start : root.body_start], mail_from="")
    ruleset = find_ruleset(to.destination.rulesets, facts)
    return ruleset.mailbox if ruleset is not None else to.mailbox
