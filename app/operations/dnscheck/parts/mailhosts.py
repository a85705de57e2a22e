"""The hosts that mail of the domain goes to: are they this one, do they speak TLS, and do their keys stand in DNS?"""

from __future__ import annotations

import asyncio

from app.config.schema import IPAddress
from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.dnscheck.findings import Notes, Subject
from app.operations.dnscheck.printable import printable, printable_list


async def check_mx(subject: Subject, notes: Notes) -> None:
    """The MX record is as wanted, and its hosts lead to us."""
    notes.take(await subject.states(lambda record: record.type == "MX"))
    hosts = await subject.mail_hosts()
    if hosts == [""]:
        notes.error("The domain says that it takes no mail (null MX).")
        return
    own = set(await subject.own_ips())
    for host in hosts:
        ips = await subject.addresses(host) if host else ()
        if not ips:
            notes.error(f"The mail host {printable(host) or '.'} has no address.")
        elif elsewhere := [str(ip) for ip in ips if ip not in own]:
            notes.error(f"The mail host {printable(host)} leads to {printable_list(elsewhere)}: not this server.")


async def check_tls(subject: Subject, notes: Notes) -> None:
    """Each address of each mail host does STARTTLS with a certificate for its name (RFC 3207)."""
    targets: list[tuple[str, IPAddress]] = []
    for host in await subject.mail_hosts():
        targets += [(host, ip) for ip in await subject.addresses(host)] if host else []
    if not targets:
        notes.error("There is no mail host to connect to.")
    await asyncio.gather(*(_check_host(subject, notes, host, ip) for host, ip in targets))
    if notes.errors and targets:
        notes.advise("Look whether port 25 is reachable, and whether the certificate of this server is valid.")


async def _check_host(subject: Subject, notes: Notes, host: str, ip: IPAddress) -> None:
    try:
        await subject.network.dialler.starttls(host, ip)
    except ProbeFailed as err:
        notes.error(f"{printable(host)}: {err}")


async def check_dane(subject: Subject, notes: Notes) -> None:
    """The TLSA records of our mail host are those of our keys (RFC 6698)."""
    resolver = subject.network.resolver
    hostname = subject.static.hostname.ascii
    is_signed = (await resolver.mx(subject.domain.ascii)).authentic
    found = await resolver.tlsa(f"_25._tcp.{hostname}")
    have = {f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in found.records}
    want = {f"3 1 1 {digest}" for digest in subject.host.key_digests}
    lines = [f"Publish: _25._tcp.{hostname}. TLSA {text}" for text in sorted(want - have)]
    if unexpected := have - want:
        notes.error(f"DNS names keys that this server does not use: {printable_list(sorted(unexpected))}.")
        notes.advise(f"Remove these TLSA records of _25._tcp.{hostname}; where they count, no mail is delivered to us.")
    if not is_signed:
        notes.warn("The MX record is not signed with DNSSEC, so others do not look at keys in DNS (DANE).")
        return
    if not want:
        notes.warn("No key of this server stays the same when certificates are renewed (HostPrivateKeyFiles).")
    elif want - have:
        notes.error(f"The keys of {hostname} are not in DNS: {len(want - have)} of {len(want)} missing.")
        for line in lines:
            notes.advise(line)
