"""The certificates of the server: those in files, and those that come by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from app.operations.certificates import Certificate
from app.operations.certificates import certificates as in_files
from app.operations.status.finding import (
    Automatic,
    AutomaticCertificates,
    Finding,
    Page,
    Sources,
    Subject,
    act,
    fine,
    is_public,
    look,
)
from app.operations.status.words import age

EXPIRES_SOON_S: Final = 14 * 86400.0
MOX_CONF: Final = Page("/configuration/mox.conf", "mox.conf")
CERTIFICATES: Final = Page("/certificates", "Certificates")

_ABOUT: Final = Subject.CERTIFICATES


async def certificates(sources: Sources) -> Sequence[Finding]:
    """Each of them; those in files only of a server that others reach."""
    live, now = sources.live, sources.clock.now()
    found: list[Finding] = []
    if is_public(live.static):
        files = await asyncio.to_thread(in_files, live)
        found += [_in_file(one, now, live.static.hostname.ascii) for one in files]
    if sources.certificates is not None:
        found += await _automatic(sources.certificates, now)
    return found


def _in_file(one: Certificate, now: float, hostname: str) -> Finding:
    where = f"{one.path} (listener {one.listener})"
    if one.failure:
        return look(_ABOUT, "A certificate cannot be looked at", f"{where}: {one.failure}.", MOX_CONF)
    if one.expires <= now:
        text = f"{where} ran out {age(now - one.expires)} ago. Mail programs refuse to connect."
        return act(_ABOUT, "A certificate has expired", text, MOX_CONF)
    if one.expires - now < EXPIRES_SOON_S:
        text = f"{where} runs out in {age(one.expires - now)}. Put a new one there; it is used by itself."
        return look(_ABOUT, "A certificate expires soon", text, MOX_CONF)
    if one.is_self_signed:
        text = f"{where}: mail programs warn about it until somebody accepts it. Use one of a known authority."
        return look(_ABOUT, "A certificate is self-made", text, MOX_CONF)
    if not one.is_for(hostname):
        text = f"{where} is not for {hostname}, the name of this server."
        return look(_ABOUT, "A certificate is for another name", text, MOX_CONF)
    return fine(_ABOUT, f"Certificate for {hostname}", f"{where} runs out in {age(one.expires - now)}.", CERTIFICATES)


async def _automatic(upkeep: AutomaticCertificates, now: float) -> Sequence[Finding]:
    return [_coming(one, now) for one in await upkeep.states()]


def _coming(one: Automatic, now: float) -> Finding:
    name = one.wanted.name
    if one.kept is not None and one.kept.ends > now:
        left = f"runs out in {age(one.kept.ends - now)}"
        if one.failed is None or one.is_under_way:
            return fine(_ABOUT, f"Certificate for {name}", f"It {left} and is renewed by itself.", CERTIFICATES)
        return look(_ABOUT, "A certificate is not renewed", f"{name}: {one.failed.error}", CERTIFICATES)
    if one.failed is None or one.is_under_way:
        return fine(_ABOUT, f"Certificate for {name}", "It is being asked for.", CERTIFICATES)
    finding = act if one.wanted.is_host else look
    return finding(_ABOUT, "A certificate does not come", f"{name}: {one.failed.error}", CERTIFICATES)
