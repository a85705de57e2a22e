"""What proves that mail is from the domain: SPF, DKIM, DMARC, and where others report about it."""

from __future__ import annotations

from app.operations.dnscheck import spf
from app.operations.dnscheck.findings import Notes, Subject
from app.operations.dnscheck.states import RecordState
from app.operations.dnscheck.tags import read_tags, report_addresses
from app.operations.dnsrecords import Record
from app.trust.budget import Budget
from app.trust.spf.evaluate import check_spf as evaluate_spf
from app.trust.spf.result import SpfIdentity, SpfStatus
from app.wire.domain import Domain
from app.wire.smtp.address import Address


def _is_txt(version: str, record: Record) -> bool:
    return record.type == "TXT" and record.content.startswith(version)


async def check_spf(subject: Subject, notes: Notes) -> None:
    """The records of the domain and of the host, and mail from each address of ours passes (RFC 7208)."""
    seen = await subject.states(lambda record: _is_txt(spf.VERSION, record))
    notes.take(seen)
    for one in seen:
        if len(one.found) == 1:
            await _check_addresses(subject, notes, one)


async def _check_addresses(subject: Subject, notes: Notes, seen: RecordState) -> None:
    name = seen.record.name
    for ip in [*await subject.own_ips(), *subject.host.proxy_ips]:
        sender = Address("postmaster", Domain(name))
        result = await evaluate_spf(Budget(subject.network.resolver), SpfIdentity(ip=ip, helo=name, mail_from=sender))
        if result.status is SpfStatus.TEMPERROR:
            notes.warn(f"Cannot tell whether mail of {name} from {ip} passes the SPF check: {result.problem}.")
        elif result.status is not SpfStatus.PASS:
            notes.error(f"Mail of {name} from {ip} fails the SPF check of others: {result.words(ip)}.")


async def check_dkim(subject: Subject, notes: Notes) -> None:
    """The key of each selector is published (RFC 6376)."""
    if not subject.config.dkim or not subject.config.dkim.sign:
        notes.error("Mail of this domain is not signed (DKIM): large providers refuse it, or take it for junk.")
        notes.advise("Add DKIM keys to the domain in domains.conf, and publish their records.")
    seen = await subject.states(lambda record: "._domainkey." in record.name)
    signing = {f"{name}._domainkey." for name in subject.config.dkim.sign} if subject.config.dkim else set()
    for one in seen:
        notes.take([one], is_optional=not any(one.record.name.startswith(name) for name in signing))


async def check_dmarc(subject: Subject, notes: Notes) -> None:
    """The policy, and that reports about it come to us (RFC 7489)."""
    seen = await subject.states(lambda record: _is_txt("v=DMARC1", record))
    if not seen:
        notes.warn("No address for DMARC reports is configured, so nobody tells you who sends in the domain's name.")
        notes.advise("Set DMARC of the domain in domains.conf.")
    notes.take(seen)
    for one in seen:
        if len(one.found) == 1:
            _check_policy(notes, one)
    await _check_permission(subject, notes)


def _check_policy(notes: Notes, seen: RecordState) -> None:
    tags = read_tags(seen.found[0])
    for tag in ("p", "sp"):
        if tags.get(tag, "").lower() == "none":
            notes.warn(f"The policy says {tag}=none: others accept mail that only pretends to be from this domain.")
    if not report_addresses(tags.get("rua", "")):
        notes.warn("The policy names no address for reports (rua).")


async def _check_permission(subject: Subject, notes: Notes) -> None:
    """Another domain that gets our reports must agree (RFC 7489 §7.1)."""
    report = subject.config.dmarc
    if report is None or report.domain is None or report.domain.is_subdomain_of(subject.domain):
        return
    if subject.domain.is_subdomain_of(report.domain):
        return
    name = f"{subject.domain.ascii}._report._dmarc.{report.domain.ascii}"
    found = await subject.network.resolver.txt(name)
    if not any(text.lower().replace(b" ", b"").startswith(b"v=dmarc1") for text in found.records):
        notes.error(f"{report.domain.ascii} does not say that it takes reports about this domain: none are sent.")
        notes.advise(f'Publish: {name}. TXT "v=DMARC1"')


async def check_tlsrpt(subject: Subject, notes: Notes) -> None:
    """Reports about TLS to the domain and to the host are asked for (RFC 8460)."""
    seen = await subject.states(lambda record: _is_txt("v=TLSRPTv1", record))
    notes.take(seen)
    names = {one.record.name for one in seen}
    for domain, setting in ((subject.static.hostname, "HostTLSRPT in mox.conf"), (subject.domain, "TLSRPT")):
        if f"_smtp._tls.{domain.ascii}" not in names:
            notes.warn(f"Nobody is asked to report when TLS to {domain.ascii} fails.")
            notes.advise(f"Set {setting}, then publish the record that comes with it.")
