"""What mail programs look for when somebody types in an address: SRV records, autoconfig, autodiscover."""

from __future__ import annotations

from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.dnscheck.findings import Notes, Subject
from app.operations.dnscheck.printable import printable_list
from app.operations.dnsrecords import Record

AUTODISCOVER = "_autodiscover._tcp."


async def check_srv(subject: Subject, notes: Notes) -> None:
    """Services are announced, and those that are not offered as such (RFC 6186 §3.4)."""
    notes.take(await subject.states(lambda record: _is_service(record) and not record.content.endswith(" .")))
    notes.take(
        await subject.states(lambda record: _is_service(record) and record.content.endswith(" .")), is_optional=True
    )


def _is_service(record: Record) -> bool:
    return record.type == "SRV" and not record.name.startswith(AUTODISCOVER)


async def check_autoconf(subject: Subject, notes: Notes) -> None:
    """The names that programs and people use lead here, and autoconfig answers over TLS."""
    autoconfig = f"autoconfig.{subject.domain.ascii}"
    client = subject.config.client_settings_domain
    names = [autoconfig, *([client.ascii] if client and client != subject.static.hostname else [])]
    notes.take(await subject.states(lambda record: record.type == "CNAME" and record.name in names))
    for name in names:
        await _check_host(subject, notes, name, has_web=name == autoconfig)


async def check_autodiscover(subject: Subject, notes: Notes) -> None:
    """The record leads here, and there is TLS on port 443."""
    notes.take(await subject.states(lambda record: record.name.startswith(AUTODISCOVER)))
    await _check_host(subject, notes, subject.static.hostname.ascii, has_web=True)


async def _check_host(subject: Subject, notes: Notes, name: str, *, has_web: bool) -> None:
    ips = await subject.addresses(name)
    own = set(await subject.own_ips())
    if not ips:
        notes.error(f"{name} has no address.")
    elif elsewhere := [str(ip) for ip in ips if ip not in own]:
        notes.error(f"{name} leads to {printable_list(elsewhere)}: not this server.")
    for ip in ips if has_web else ():
        try:
            await subject.network.dialler.https(name, ip)
        except ProbeFailed as err:
            notes.error(f"{name}: {err}")
