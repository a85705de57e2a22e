"""The DNS records that a domain should publish, as values and as lines of a zone file.

In this order: TLSA of the host's keys (RFC 6698; only of use with DNSSEC), SPF and TLS reports of the host, MX, DKIM,
SPF, DMARC, MTA-STS, TLS reports, the host name for mail programs, autoconfig, SRV (RFC 6186; the target "." says "not
offered"), CAA. Long texts are split into strings of 255 bytes (RFC 1035 §3.3.14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.dynamic import ConfigDomain, Dynamic, ReportAddress
from app.config.schema import IPAddress
from app.config.static import Static
from app.operations.selfsigned import spki_sha256
from app.trust.dkim.keys import load_key, record_strings
from app.wire.domain import Domain

TTL = 300
MAX_REPORT = "!10m"
LETSENCRYPT = "letsencrypt.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record."""

    name: str  # without the final dot
    type: str
    content: str  # as in a zone file; for TXT the text, not yet quoted
    comment: str = ""
    needs_dnssec: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the records say about this host."""

    ips: Sequence[IPAddress]
    key_digests: Sequence[str] = ()  # SHA-256 of the public keys of its certificates
    has_dnssec: bool = False


def host_of(static: Static, config_dir: Path) -> Host:
    """The host as its configuration has it: the addresses of the listener that the world reaches, and its keys."""
    listener = static.listeners.get("public") or next(iter(static.listeners.values()))
    ips = [ip for ip in listener.nat_ips or listener.ips if not ip.is_unspecified and not ip.is_loopback]
    tls = listener.tls
    files = [*tls.host_private_key_files, *(pair.key_file for pair in tls.key_certs)] if tls else []
    digests = dict.fromkeys(spki_sha256((config_dir / name).read_bytes()) for name in files)
    return Host(ips=ips, key_digests=tuple(digests))


def records(static: Static, dynamic: Dynamic, domain: Domain, host: Host, config_dir: Path) -> list[Record]:
    """Every record for a domain, in the order above."""
    config = dynamic.domains[domain]
    return [
        *_host_records(static, host),
        Record(
            name=domain.ascii, type="MX", content=f"10 {static.hostname.ascii}.", comment="Mail comes to this host."
        ),
        *_dkim(domain, config, config_dir),
        *_policies(domain, config, host),
        *_mtasts(static, domain, config),
        *_tlsrpt(domain, config.tlsrpt),
        *_for_clients(static, domain, config),
        *_services(static, domain),
        *_caa(static, domain),
    ]


def _txt(name: str, text: str, comment: str = "") -> Record:
    return Record(name=name, type="TXT", content=text, comment=comment)


def _host_records(static: Static, host: Host) -> Iterator[Record]:
    name = static.hostname.ascii
    for digest in host.key_digests:
        yield Record(
            name=f"_25._tcp.{name}",
            type="TLSA",
            content=f"3 1 1 {digest}",
            comment="DANE: other servers check our key. Of use only if the zone is signed with DNSSEC.",
            needs_dnssec=True,
        )
    yield _txt(name, "v=spf1 a -all", "Mail in the name of the host itself, such as bounces, comes from its addresses.")
    if reports := static.host_tlsrpt:
        yield _txt(f"_smtp._tls.{name}", f"v=TLSRPTv1; rua=mailto:{reports.localpart}@{name}")


def _dkim(domain: Domain, config: ConfigDomain, config_dir: Path) -> Iterator[Record]:
    comment = "Public keys of the signatures on outgoing mail (DKIM)."
    for selector, settings in config.dkim.selectors.items() if config.dkim else ():
        key = load_key((config_dir / settings.private_key_file).read_bytes())
        yield _txt(f"{selector}._domainkey.{domain.ascii}", key.record(), comment)
        comment = ""


def _policies(domain: Domain, config: ConfigDomain, host: Host) -> Iterator[Record]:
    own = "".join(f"ip{ip.version}:{ip} " for ip in host.ips)
    yield _txt(domain.ascii, f"v=spf1 {own}mx ~all", "Mail of this domain comes from these addresses (SPF).")
    if report := config.dmarc:
        address = f"{report.localpart}@{(report.domain or domain).ascii}"
        yield _txt(
            f"_dmarc.{domain.ascii}",
            f"v=DMARC1;p=reject;rua=mailto:{address}{MAX_REPORT}",
            "Others shall refuse mail that only pretends to be from this domain, and report about it (DMARC).",
        )


def _mtasts(static: Static, domain: Domain, config: ConfigDomain) -> Iterator[Record]:
    if policy := config.mtasts:
        comment = "Others shall deliver to us with TLS only (MTA-STS); the policy itself is a file on the web."
        yield Record(name=f"mta-sts.{domain.ascii}", type="CNAME", content=f"{static.hostname.ascii}.", comment=comment)
        yield _txt(f"_mta-sts.{domain.ascii}", f"v=STSv1; id={policy.policy_id}")


def _tlsrpt(domain: Domain, report: ReportAddress | None) -> Iterator[Record]:
    if report:
        address = f"{report.localpart}@{(report.domain or domain).ascii}"
        comment = "Others shall report when TLS to us fails."
        yield _txt(f"_smtp._tls.{domain.ascii}", f"v=TLSRPTv1; rua=mailto:{address}", comment)


def _for_clients(static: Static, domain: Domain, config: ConfigDomain) -> Iterator[Record]:
    target = f"{static.hostname.ascii}."
    client = config.client_settings_domain
    if client and client != static.hostname:
        comment = "The host name that people put in their mail programs."
        yield Record(name=client.ascii, type="CNAME", content=target, comment=comment)
    comment = "Mail programs find their settings by these."
    yield Record(name=f"autoconfig.{domain.ascii}", type="CNAME", content=target, comment=comment)


def _services(static: Static, domain: Domain) -> Iterator[Record]:
    target = f"{static.hostname.ascii}."
    for service, port in (("_autodiscover", 443), ("_imaps", 993), ("_submissions", 465)):
        yield Record(name=f"{service}._tcp.{domain.ascii}", type="SRV", content=f"0 1 {port} {target}")
    comment = "These are not offered, so that mail programs do not try them without TLS."
    for service in ("_imap", "_submission", "_pop3", "_pop3s"):
        yield Record(name=f"{service}._tcp.{domain.ascii}", type="SRV", content="0 0 0 .", comment=comment)
        comment = ""


def _caa(static: Static, domain: Domain) -> Iterator[Record]:
    for authority in static.acme.values():
        issuer = authority.issuer_domain_name or (LETSENCRYPT if LETSENCRYPT in authority.directory_url else "")
        if issuer:
            comment = "Only this authority may make certificates for the domain."
            yield Record(name=domain.ascii, type="CAA", content=f'0 issue "{issuer}"', comment=comment)


def zone_file(wanted: Iterable[Record], *, has_dnssec: bool = False) -> str:
    """The records as lines for a zone file; those that need DNSSEC as comments when there is none."""
    listed = list(wanted)
    width = max((len(record.name) + 1 for record in listed), default=0)
    rows = [f"$TTL {TTL}"]
    for record in listed:
        if record.comment:
            rows += ["", f"; {record.comment}"]
        mark = "; " if record.needs_dnssec and not has_dnssec else ""
        rows.append(f"{mark}{record.name + '.':<{width}} {record.type:<5} {_content(record)}")
    return "\n".join(rows) + "\n"


def _content(record: Record) -> str:
    if record.type != "TXT":
        return record.content
    strings = [_quoted(piece) for piece in record_strings(record.content)]
    return strings[0] if len(strings) == 1 else "( " + " ".join(strings) + " )"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
