"""DNSSEC, and the reverse names of the addresses that mail is sent from."""

from __future__ import annotations

from app.config.schema import IPAddress
from app.operations.dnscheck.findings import Notes, Subject
from app.operations.dnscheck.printable import printable_list


async def check_dnssec(subject: Subject, notes: Notes) -> None:
    """The resolver checks signatures (RFC 4035 §3.2.3), and the domain has them."""
    resolver = subject.network.resolver
    if not (await resolver.ns("com")).authentic:
        notes.error("The resolver of this machine does not check DNSSEC, so keys in DNS (DANE) cannot be relied on.")
        notes.advise("Install a resolver that does, such as unbound, on this machine, and name it in /etc/resolv.conf.")
        return
    if not (await resolver.ns(subject.domain.ascii)).authentic:
        notes.warn("The domain is not signed with DNSSEC: others cannot be sure of its records.")
        notes.advise("Switch DNSSEC on where the domain is registered; with many providers it is one click.")


async def check_reverse(subject: Subject, notes: Notes) -> None:
    """Each address, also of proxies, has its host name as its one name, and the name leads back (RFC 8601 §3)."""
    ips = await subject.own_ips()
    if not ips:
        notes.error(f"The host name {subject.static.hostname.ascii} has no address in DNS.")
    for ip in ips:
        await _check_address(subject, notes, ip, subject.static.hostname.ascii)
    for transport in subject.static.transports.values():
        if socks := transport.socks:
            for ip in socks.remote_ips:
                await _check_address(subject, notes, ip, socks.remote_hostname.ascii)


async def _check_address(subject: Subject, notes: Notes, ip: IPAddress, hostname: str) -> None:
    names = [name.lower() for name in (await subject.network.resolver.ptr(ip)).records]
    advice = f"With the provider of {ip}, set its reverse name (PTR) to {hostname}."
    if hostname not in names:
        stated = f"is called {printable_list(names)}, not {hostname}" if names else "has no reverse name"
        notes.error(f"{ip} {stated}: many servers refuse mail from it.")
        notes.advise(advice)
    elif len(names) > 1:
        notes.warn(f"{ip} has several reverse names ({printable_list(names)}); some servers dislike that.")
        notes.advise(advice)
    if ip not in await subject.addresses(hostname):
        notes.error(f"{hostname} does not lead to {ip}: others look for the way back from the reverse name.")
        notes.advise(f"Publish: {hostname}. {'A' if ip.version == 4 else 'AAAA'} {ip}")
