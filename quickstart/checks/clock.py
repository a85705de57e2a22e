"""The clock: how far is it off, and does something keep it right?

Signatures, certificates and the dates of mail depend on it.
"""

from __future__ import annotations

import asyncio
import statistics

from app.trust.lookup import LookupFailed
from quickstart.checks.finding import Context, Finding, State, ok

TIME_SERVERS = ("time.cloudflare.com", "time.google.com", "time.apple.com")
ASK_S = 4.0
OFF_S = 3.0  # more shows in mail
FAR_OFF_S = 300.0  # more makes signatures and sign-ins fail
_FIX = "Turn on time synchronisation, as root: timedatectl set-ntp true. Where that is missing: apt install chrony."


async def check(context: Context) -> Finding:
    """By time servers when they may be asked and answer, else by what the kernel says."""
    offset = None if context.question.skip_dial else await _offset(context)
    is_kept = context.machine.is_clock_synchronised()
    if offset is not None and abs(offset) > OFF_S:
        return _off(offset)
    if offset is not None:
        return ok(f"Right to within {max(abs(offset), 0.1):.1f} seconds." + _unkept(is_kept))
    if is_kept:
        return ok("Kept right by a time service, says the kernel; no time server was asked or answered.")
    return _untold(is_kept)


async def _offset(context: Context) -> float | None:
    """The median of what the time servers say."""
    found = await asyncio.gather(*(_ask(context, name) for name in TIME_SERVERS))
    return statistics.median(known) if (known := [one for one in found if one is not None]) else None


async def _ask(context: Context, name: str) -> float | None:
    usable = {ip.version for ip in context.machine.routes()}
    try:
        ips = [ip for ip in (await context.resolver.addresses(name)).records if ip.version in usable]
    except LookupFailed:
        return None
    return await context.machine.clock_offset(min(ips, key=lambda ip: ip.version), ASK_S) if ips else None


def _unkept(is_kept: bool | None) -> str:
    return " Nothing seems to keep it so: timedatectl set-ntp true" if is_kept is False else ""


def _off(offset: float) -> Finding:
    way = "slow" if offset > 0 else "fast"
    far = abs(offset) > FAR_OFF_S
    return Finding(
        state=State.BAD if far else State.WARN,
        summary=f"The clock is {_duration(abs(offset))} {way}.",
        meaning="Time servers say another time than this machine.",
        breaks="Certificates cannot be had, signatures count as expired or not yet valid, and mail is refused."
        if far
        else "Dates in mail are wrong; if it gets worse, signatures and certificates fail.",
        fix=_FIX,
    )


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _untold(is_kept: bool | None) -> Finding:
    if is_kept is None:
        return Finding(
            state=State.UNKNOWN,
            summary="Whether the clock is right could not be found out.",
            meaning="No time server answered, and the kernel does not say.",
            breaks="Nothing if it is right; compare it with another clock: date -u",
            fix=_FIX,
        )
    return Finding(
        state=State.WARN,
        summary="Nothing seems to keep the clock right.",
        meaning="The kernel says that no time service sets it, and no time server could be asked.",
        breaks="When it drifts by minutes, signatures and certificates fail.",
        fix=_FIX,
    )
