"""Whether the web hosts of a domain, autoconfig and mta-sts, answer as mail programs and other servers need them.

They are asked as the world does it: by the addresses that DNS has for their names, over TLS, with a certificate that
others accept. `None` means that DNS could not be asked; nothing here raises. Takes as long as the slowest host.
"""

from __future__ import annotations

import asyncio

from app.operations.dnscheck.dialling import Dialler, ProbeFailed
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain

POLICY_PATH = "/.well-known/mta-sts.txt"  # RFC 8461 §3.3


async def is_web_reachable(domain: Domain, resolver: Resolver, dialler: Dialler, *, has_policy: bool) -> bool | None:
    """Whether autoconfig answers and, where the domain has one, the MTA-STS policy is there; on every address."""
    asked = [_answers(f"autoconfig.{domain.ascii}", "", resolver, dialler)]
    if has_policy:
        asked.append(_answers(f"mta-sts.{domain.ascii}", POLICY_PATH, resolver, dialler))
    found = await asyncio.gather(*asked)
    if False in found:
        return False
    return None if None in found else True


async def _answers(host: str, path: str, resolver: Resolver, dialler: Dialler) -> bool | None:
    try:
        ips = (await resolver.addresses(host)).records
    except LookupFailed:
        return None
    try:
        await asyncio.gather(*(dialler.fetch(host, ip, path) if path else dialler.https(host, ip) for ip in ips))
    except ProbeFailed:
        return False
    return bool(ips)
