"""The servers that take mail for a domain (RFC 5321 §5.1, RFC 7505).

MX records by preference, equal ones in random order; without any the domain itself. A null MX, or a domain that does
not exist, is a failure for good. Where our own name stands among the MX, it and everything of equal or lower rank is
left out, as that is where mail would come back to us. DNS that cannot tell raises LookupFailed.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from app.queue.outcome import Outcome, failed
from app.trust.lookup import Mx, Resolver

MAX_HOSTS = 10


@dataclass(frozen=True, slots=True)
class Hosts:
    """Host names in the order to try them."""

    names: tuple[str, ...]
    authentic: bool = False


async def find_hosts(resolver: Resolver, domain: str, own_names: Collection[str]) -> Hosts | Outcome:
    """Where mail for the domain goes, or why it can go nowhere."""
    answer = await resolver.mx(domain)
    if not answer.exists:
        return failed("5.1.2", f"The domain {domain} does not exist.")
    if not answer.records:
        if answer.canonical in own_names:
            return _loop(domain)
        return Hosts((answer.canonical,), answer.authentic)
    records = [mx for mx in answer.records if mx.host]
    if not records:
        return failed("5.1.10", f"The domain {domain} says that it takes no mail.")
    usable = _without_ourselves(records, own_names)
    return Hosts(tuple(mx.host for mx in _ordered(usable))[:MAX_HOSTS], answer.authentic) if usable else _loop(domain)


def _without_ourselves(records: list[Mx], own_names: Collection[str]) -> list[Mx]:
    own = [mx.preference for mx in records if mx.host in own_names]
    return [mx for mx in records if mx.preference < min(own)] if own else records


def _ordered(records: list[Mx]) -> list[Mx]:
    return sorted(records, key=lambda mx: (mx.preference, random.random()))


def _loop(domain: str) -> Outcome:
    return failed("5.4.6", f"Mail for {domain} is to come to this server, which is not set up to take it.")
