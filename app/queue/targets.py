"""The servers to try for a message, one after the other: those of the recipient's domain, or that of a transport.

Both are asynchronous generators, so that the addresses of a second host are only looked up when the first did not
answer. A generator that finds nothing to try raises NoTarget with the outcome for the recipients; LookupFailed passes
through when DNS could not tell and nothing was found elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from app.config.transports import DirectTransport, SmtpTransport, SocksTransport
from app.errors import MailError
from app.net.dial import order_addresses
from app.net.smtpclient import Peer
from app.net.socksproxy import parse_proxy
from app.queue.demands import NEEDS_REQUIRETLS, HostFacts, NotAllowed, demand_of, rules_for
from app.queue.hosts import Hosts, find_hosts
from app.queue.links import Security, Target
from app.queue.outcome import Outcome, deferred, failed
from app.queue.setup import Setup
from app.store.queuerecords import Queued
from app.trust.lookup import Answer, LookupFailed
from app.wire.smtp.address import AddressLiteral, IPAddress

MAX_TARGETS = 5  # addresses tried in one attempt
SUBMISSIONS_PORT, SUBMISSION_PORT, SMTP_PORT = 465, 587, 25


class NoTarget(MailError):
    """There is no server to try."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Families:
    """Which address families may be used."""

    ipv4: bool = True
    ipv6: bool = True

    @classmethod
    def of(cls, transport: DirectTransport | None) -> Families:
        """What a transport says of families."""
        return cls() if transport is None else cls(not transport.disable_ipv4, not transport.disable_ipv6)

    @classmethod
    def behind(cls, proxy: SocksTransport) -> Families:
        """Those in which a proxy has an address: from another one mail would fail the checks of SPF."""
        versions = {ip.version for ip in proxy.remote_ips}
        return cls(4 in versions, 6 in versions)

    def allow(self, ip: IPAddress) -> bool:
        """Whether this address may be used."""
        return self.ipv4 if ip.version == 4 else self.ipv6


async def direct_targets(
    setup: Setup, row: Queued, families: Families, last: IPAddress | None
) -> AsyncIterator[Target]:
    """The servers of the recipient's domain, or the one its address literal names."""
    if isinstance(row.recipient, AddressLiteral):
        ip = row.recipient.ip
        if ip in setup.own_ips:
            raise NoTarget(failed("5.4.6", f"The address {ip} is this server, which does not take mail for it."))
        if row.require_tls is True:
            words = "The sender demands encryption all the way (REQUIRETLS); nothing proves whose an IP address is."
            raise NoTarget(failed(NEEDS_REQUIRETLS, words))
        yield Target(Peer(row.domain, ip, setup.smtp_port))
        return
    own_names = {domain.ascii for domain in setup.live.directory.hostnames}
    hosts = await find_hosts(setup.resolver, row.domain, own_names)
    if isinstance(hosts, Outcome):
        raise NoTarget(hosts)
    rules = await rules_for(setup, row)
    count = 0
    trouble: MailError | None = None
    for host in hosts.names:
        try:
            answer = await _addresses(setup, host)
            demanded = await demand_of(setup, rules, _facts(hosts, host, answer))
        except (LookupFailed, NotAllowed) as err:
            trouble = err if trouble is None or isinstance(err, LookupFailed) else trouble
            continue
        allowed = [ip for ip in answer.records if families.allow(ip) and ip not in setup.own_ips]
        for ip in order_addresses(allowed, row.attempts - 1, last):
            if count >= MAX_TARGETS:
                return
            count += 1
            yield Target(
                Peer(host, ip, setup.smtp_port),
                has_choice=len({one.version for one in allowed}) > 1,
                demand=demanded.demand,
                results=demanded.results,
            )
    # Mail that must not go anywhere else for lack of TLS waits while DNS does not tell about one of the hosts.
    if trouble is not None and (not count or rules.requires):
        raise NoTarget(trouble.outcome) if isinstance(trouble, NotAllowed) else trouble
    if not count:
        raise NoTarget(failed("5.4.4", f"The mail servers of {row.domain} have no address to connect to."))


async def proxied(targets: AsyncIterator[Target], transport: SocksTransport) -> AsyncIterator[Target]:
    """The same servers, by way of a proxy."""
    proxy = parse_proxy(transport.address)
    async for target in targets:
        yield replace(target, proxy=proxy)


async def _addresses(setup: Setup, host: str) -> Answer[IPAddress]:
    try:
        return Answer((ipaddress.ip_address(host),), host)
    except ValueError:
        answer: Answer[IPAddress] = await setup.resolver.addresses(host)
        return answer


def _facts(hosts: Hosts, host: str, answer: Answer[IPAddress]) -> HostFacts:
    return HostFacts(host, answer.canonical, hosts.authentic, answer.authentic)


@dataclass(frozen=True, slots=True)
class Smarthost:
    """A transport through another server, with what its kind means."""

    settings: SmtpTransport
    port: int
    security: Security


def submissions(settings: SmtpTransport) -> Smarthost:
    """TLS from the first byte."""
    unverified = settings.starttls_insecure_skip_verify
    return Smarthost(
        settings,
        settings.port or SUBMISSIONS_PORT,
        Security.IMMEDIATE_UNVERIFIED if unverified else Security.IMMEDIATE,
    )


def starttls(settings: SmtpTransport, port: int) -> Smarthost:
    """STARTTLS, demanded unless switched off."""
    if settings.no_starttls:
        security = Security.PLAIN
    elif settings.starttls_insecure_skip_verify:
        security = Security.STARTTLS_UNVERIFIED
    else:
        security = Security.STARTTLS
    return Smarthost(settings, settings.port or port, security)


async def smarthost_targets(setup: Setup, smarthost: Smarthost) -> AsyncIterator[Target]:
    """The addresses of a transport's server."""
    host = smarthost.settings.host.ascii
    ips = (await _addresses(setup, host)).records
    if not ips:
        # A mistake in our configuration, or in our own DNS: mail waits until it is mended.
        raise NoTarget(deferred("4.4.4", f"The server {host} of the transport has no address."))
    for ip in order_addresses(ips, 0)[:MAX_TARGETS]:
        yield Target(Peer(host, ip, smarthost.port), smarthost.security, smarthost.settings.auth)
