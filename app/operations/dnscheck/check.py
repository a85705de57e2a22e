"""The check of a domain: every part at once, each within its time.

`check_domain` never raises for what DNS or hosts do; a part that could not be finished says so as an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.config.dynamic import Dynamic
from app.config.static import Static
from app.errors import MailError
from app.operations.dnscheck.findings import DomainCheck, Network, Notes, Part, PartCheck, Subject
from app.operations.dnscheck.parts.clients import check_autoconf, check_autodiscover, check_srv
from app.operations.dnscheck.parts.mailhosts import check_dane, check_mx, check_tls
from app.operations.dnscheck.parts.mtasts import check_mtasts
from app.operations.dnscheck.parts.names import check_dnssec, check_reverse
from app.operations.dnscheck.parts.senders import check_dkim, check_dmarc, check_spf, check_tlsrpt
from app.operations.dnscheck.printable import printable
from app.operations.dnsrecords import KeySource, host_of, records
from app.wire.domain import Domain

CHECK_S = 30.0

_Check = Callable[[Subject, Notes], Awaitable[None]]
PARTS: dict[Part, _Check] = {
    Part.DNSSEC: check_dnssec,
    Part.IPREV: check_reverse,
    Part.MX: check_mx,
    Part.TLS: check_tls,
    Part.DANE: check_dane,
    Part.SPF: check_spf,
    Part.DKIM: check_dkim,
    Part.DMARC: check_dmarc,
    Part.TLSRPT: check_tlsrpt,
    Part.MTASTS: check_mtasts,
    Part.SRV: check_srv,
    Part.AUTOCONF: check_autoconf,
    Part.AUTODISCOVER: check_autodiscover,
}


async def check_domain(
    static: Static, dynamic: Dynamic, domain: Domain, keys: KeySource, network: Network
) -> DomainCheck:
    """Every part of a domain of the configuration, in order. Raises what `keys` raises."""
    host = host_of(static, keys)
    subject = Subject(
        static=static,
        config=dynamic.domains[domain],
        domain=domain,
        host=host,
        wanted=records(static, dynamic, domain, host, keys),
        network=network,
    )
    parts = await asyncio.gather(*(check_part(part, subject) for part in PARTS))
    return DomainCheck(domain=domain, parts=tuple(parts))


async def check_part(part: Part, subject: Subject, check_s: float = CHECK_S) -> PartCheck:
    """One part."""
    notes = Notes()
    try:
        async with asyncio.timeout(check_s):
            await PARTS[part](subject, notes)
    except TimeoutError:
        notes.error(f"Cannot tell: not finished within {check_s:.0f} seconds.")
    except MailError as err:
        notes.error(f"Cannot tell: {printable(str(err))}")
    return notes.of(part)
