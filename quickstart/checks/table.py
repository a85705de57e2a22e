"""All checks in the order of their rows, and running them: all at once, each within its time, or one again.

A check that takes too long or fails in a way that nobody thought of is UNKNOWN and says so; it never stops the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol, runtime_checkable

from app.errors import Refusal
from app.log import logger
from quickstart.checks import (
    access,
    addresses,
    blocklists,
    clock,
    domain,
    hostname,
    outbound,
    ports,
    resolver,
    reverse,
    room,
)
from quickstart.checks.finding import Check, Context, Finding, State

LIMIT_S = 10.0
log = logger("quickstart")

CHECKS: tuple[Check, ...] = (
    Check("addresses", "Public addresses", addresses.check),
    Check("hostname", "Host name", hostname.check),
    *(Check(f"port-{port}", f"Port {port}", ports.check_of(port)) for port in ports.PURPOSES),
    Check("outbound-4", "Mail out over IPv4", outbound.check_of(4)),
    Check("outbound-6", "Mail out over IPv6", outbound.check_of(6)),
    Check("reverse", "Reverse DNS", reverse.check),
    Check("resolver", "DNS resolver", resolver.check),
    Check("blocklists", "Block lists", blocklists.check),
    Check("domain", "Domain", domain.check),
    Check("age", "Age of the domain", domain.check_age),
    Check("clock", "Clock", clock.check),
    Check("access", "Python and directory", access.check),
    Check("disk", "Disk", room.check_disk),
    Check("memory", "Memory", room.check_memory),
)


class Result(NamedTuple):
    """A check and what it found."""

    check: Check
    finding: Finding


@runtime_checkable
class Forgetful(Protocol):
    """A resolver that keeps answers and can forget them."""

    def forget(self) -> None:
        """Ask anew from now on."""


async def run_all(context: Context, limit_s: float = LIMIT_S) -> AsyncIterator[Result]:
    """Every check, as they finish; DNS is asked anew."""
    _forget(context)
    tasks = [asyncio.create_task(_run(check, context, limit_s)) for check in CHECKS]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


async def run_one(context: Context, key: str, limit_s: float = LIMIT_S) -> Finding:
    """One check, again, with DNS asked anew. Raises Refusal for a key that there is not."""
    check = next((one for one in CHECKS if one.key == key), None)
    if check is None:
        raise Refusal(f"there is no check {key!r}")
    _forget(context)
    return (await _run(check, context, limit_s)).finding


def _forget(context: Context) -> None:
    """A record that somebody has just added must not stay missing for as long as "no such name" is kept."""
    if isinstance(context.resolver, Forgetful):
        context.resolver.forget()


async def _run(check: Check, context: Context, limit_s: float) -> Result:
    try:
        async with asyncio.timeout(limit_s):
            return Result(check, await check.run(context))
    except TimeoutError:
        return Result(check, _too_slow(limit_s))
    except Exception as error:  # a fault of ours in one check must not cost the person all others
        log.error("check failed", check=check.key, error=repr(error))
        return Result(check, _failed(error))


def _too_slow(limit_s: float) -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary=f"No result within {limit_s:.0f} seconds.",
        meaning="Something that had to be asked did not answer in time: often DNS, or a firewall that drops packets.",
        breaks="This check could not be made; a fault would only show later, in use.",
        fix="Mend what the row about the DNS resolver says, if anything, then check again.",
    )


def _failed(error: Exception) -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary="This check failed by a fault of this program.",
        meaning=f"It came upon something unforeseen ({type(error).__name__}); the log has it.",
        breaks="This check could not be made; a fault would only show later, in use.",
        fix="Go on, and report the line in the log.",
    )
