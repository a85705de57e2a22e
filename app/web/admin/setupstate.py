"""What the checklist of a new server wants to know, found out from what has happened and from the network.

Nothing here takes longer than its question: a fact that cannot be told within its time is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path

from app.certificates.standing import hosts_are_certified
from app.errors import NoSuchAccount
from app.operations.arrivals import arrivals
from app.operations.certificates import are_trusted, certificates
from app.operations.checklist import Facts
from app.operations.dnscheck.dialling import HostDialler
from app.operations.dnscheck.states import State
from app.operations.webreach import is_web_reachable
from app.trust.lookup import LookupFailed
from app.web.admin.dns import wanted
from app.web.visit import Visit
from app.wire.domain import Domain

SYSTEMD = Path("/run/systemd/system")  # is there while systemd runs (sd_booted(3))
UNITS = Path("/etc/systemd/system/multi-user.target.wants")
MAX_DOMAINS = 20
MAX_ACCOUNTS = 50
ASK_S = 12.0
_LOOPBACK = ("127.", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The facts; `is_whole` says that asking again soon would tell no more."""

    facts: Facts
    is_whole: bool


async def look(visit: Visit) -> Found:
    """Everything at once."""
    milestones = await visit.services.queue.milestones()
    published, reverse, web, received, trusted, boots = await asyncio.gather(
        _published(visit),
        _within(_reverse(visit)),
        _within(_web(visit)),
        _received(visit),
        asyncio.to_thread(_trusted, visit),
        asyncio.to_thread(_starts_at_boot),
    )
    facts = Facts(
        runs=True,
        starts_at_boot=boots,
        records_published=published.value,
        reverse_dns=reverse,
        can_send=True if milestones.reached else None,
        has_received=received,
        has_sent=milestones.delivered is not None,
        certificate_trusted=trusted,
        web_reachable=web,
    )
    return Found(facts=facts, is_whole=published.is_whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    value: bool | None
    is_whole: bool = True


async def _published(visit: Visit) -> _Published:
    """Whether every record that matters is seen, of every domain in use."""
    states = await asyncio.gather(*(_domain_published(visit, domain) for domain in _domains(visit)))
    if any(one.value is False for one in states):
        return _Published(value=False, is_whole=all(one.is_whole for one in states))
    is_known = bool(states) and all(one.value for one in states)
    return _Published(value=True if is_known else None, is_whole=all(one.is_whole for one in states))


def _domains(visit: Visit) -> list[Domain]:
    domains = visit.services.live.dynamic.domains
    return [domain for domain, config in domains.items() if not config.disabled][:MAX_DOMAINS]


async def _domain_published(visit: Visit, domain: Domain) -> _Published:
    need = await asyncio.to_thread(wanted, visit, domain)
    if need.problem:
        return _Published(value=None)
    seen = await visit.services.dns.look(domain, need.records, visit.services.resolver)
    if seen is None:
        return _Published(value=None, is_whole=False)
    if seen.failure:
        return _Published(value=None)
    matter = [one.state for one in seen.states if not one.record.needs_dnssec and not one.record.is_reverse]
    return _Published(value=_all_seen(matter))


def _all_seen(states: Iterable[State]) -> bool | None:
    found = set(states)
    if found <= {State.SEEN}:
        return True
    return None if found <= {State.SEEN, State.UNKNOWN} else False


async def _within(question: Awaitable[bool | None]) -> bool | None:
    """The answer, or None when it does not come in time."""
    try:
        async with asyncio.timeout(ASK_S):
            return await question
    except (TimeoutError, LookupFailed):
        return None


async def _reverse(visit: Visit) -> bool | None:
    """Whether every address of the host name has it as its name."""
    resolver, hostname = visit.services.resolver, visit.services.live.static.hostname.ascii
    ips = (await resolver.addresses(hostname)).records
    names = await asyncio.gather(*(resolver.ptr(ip) for ip in ips))
    return bool(ips) and all(hostname in answer.records for answer in names)


async def _web(visit: Visit) -> bool | None:
    """Whether the web hosts of the first domain answer."""
    services = visit.services
    domains = _domains(visit)
    if not domains:
        return None
    dialler = services.dns.dialler or HostDialler(hostname=services.live.static.hostname.ascii)
    has_policy = services.live.dynamic.domains[domains[0]].mtasts is not None
    return await is_web_reachable(domains[0], services.resolver, dialler, has_policy=has_policy)


async def _received(visit: Visit) -> bool:
    """Whether a message came from another machine to one of the first accounts."""
    services = visit.services
    for name in list(services.live.dynamic.accounts)[:MAX_ACCOUNTS]:
        try:
            account = await services.accounts.open(name)
        except NoSuchAccount:  # removed at this moment
            continue
        found = await account.read(lambda db: arrivals(db, 0))
        if any(row.peer and not row.peer.startswith(_LOOPBACK) for row in found.rows):
            return True
    return False


def _trusted(visit: Visit) -> bool | None:
    live, now = visit.services.live, visit.services.clock.now()
    return are_trusted(certificates(live), now, hosts_are_certified(live, now))


def _starts_at_boot() -> bool | None:
    """Whether systemd is told to start a unit of ours; other ways are not known here."""
    try:
        return any(UNITS.glob("*mox*.service")) if SYSTEMD.is_dir() else None
    except OSError:
        return None
