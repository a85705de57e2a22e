"""Finds the rule of an address that a message falls under, which says the mailbox it goes to.

Verified domains come with the checks of incoming mail; until then only mail of our own users, whose author was checked
at submission, has one, and a rule with VerifiedDomain takes nothing else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.config.dynamic import Ruleset
from app.routing.rulesets import find_ruleset, read_facts
from app.smtpserver.arrival import header_of
from app.store.spool import Body
from app.wire.domain import Domain

QUICK_STEPS = 1_000_000  # characters times instructions that the event loop may wait for, when nothing is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What rules may ask about a message: its header section is `prefix` and the one in `body`."""

    prefix: bytes
    body: Body
    mail_from: str
    verified_domains: frozenset[Domain]


async def find_rule(rulesets: tuple[Ruleset, ...], letter: Letter) -> Ruleset | None:
    """The first rule that matches; looked for in a thread when it may take long."""
    if not rulesets:
        return None
    header = letter.prefix + header_of(letter.body.data)

    def find() -> Ruleset | None:
        return find_ruleset(rulesets, read_facts(header, letter.mail_from, letter.verified_domains))

    if len(header) * sum(map(_size, rulesets)) <= QUICK_STEPS:
        return find()
    return await asyncio.to_thread(find)


def _size(ruleset: Ruleset) -> int:
    """The most that one character can cost."""
    on_paths = [one for one in (ruleset.smtp_mail_from_regexp, ruleset.msg_from_regexp) if one]
    on_headers = [one for pair in ruleset.headers_regexp.items() for one in pair]
    return sum(regexp.matcher.size for regexp in (*on_paths, *on_headers))
