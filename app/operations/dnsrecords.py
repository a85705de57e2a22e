"""The DNS records that a domain should publish, as values, as rows of a table and as lines of a zone file.

In this order: addresses and reverse names of the host, TLSA of its keys (RFC 6698; only of use with DNSSEC), SPF and
TLS reports of the host, MX, DKIM, SPF, DMARC, MTA-STS, TLS reports, the host name for mail programs, autoconfig, SRV
(RFC 6186; the target "." says "not offered"), CAA. Long texts are split into strings of 255 bytes (RFC 1035 §3.3.14).

Keys come from a `KeySource`, so that the records can be shown before anything is written to disk. Raises what that
raises, and BadKey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.dynamic import ConfigDomain, Dynamic, ReportAddress
from app.config.schema import IPAddress
from app.config.static import Static
from app.net.selfsigned import spki_sha256
from app.trust.dkim.keys import load_key, record_strings
from app.wire.domain import Domain

TTL = 300
MAX_REPORT = "!10m"
LETSENCRYPT = "letsencrypt.org"
COMMENT_WIDTH = 110
NOT_OFFERED = "0 0 0 ."  # of an SRV record (RFC 6186 §3.4)
APEX = "@"  # how providers' forms call the zone itself

KeySource = Callable[[str], bytes]  # the PEM of a key by its name in the configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record."""

    name: str  # without the final dot
    type: str
    content: str  # as in a zone file; for TXT the text, not yet quoted
    comment: str = ""
    needs_dnssec: bool = False
    is_reverse: bool = False  # set where the address is rented, not in the zone of the domain
    ttl: int = TTL

    def name_in(self, zone: Domain) -> str:
        """The name as a form for `zone` wants it: without the zone, "@" for the zone itself, else in full."""
        if self.name == zone.ascii:
            return APEX
        relative = self.name.removesuffix(f".{zone.ascii}")
        return relative if relative != self.name else f"{self.name}."

    @property
    def matters(self) -> bool:
        """Whether mail or mail programs suffer without it."""
        return not (self.needs_dnssec or self.is_reverse or self.content == NOT_OFFERED)

    @property
    def strings(self) -> tuple[str, ...]:
        """The content in the pieces that a TXT record is made of; one piece for all other types."""
        return tuple(record_strings(self.content)) if self.type == "TXT" else (self.content,)

    @property
    def zone_content(self) -> str:
        """The content as a line of a zone file has it, TXT with quotes."""
        if self.type != "TXT":
            return self.content
        pieces = [_quoted(piece) for piece in self.strings]
        return pieces[0] if len(pieces) == 1 else "( " + " ".join(pieces) + " )"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record for a table whose fields are copied one by one."""

    name: str  # relative to the zone
    full_name: str
    type: str
    ttl: int
    content: str
    strings: tuple[str, ...]
    zone_line: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the records say about this host."""

    ips: Sequence[IPAddress]
    key_digests: Sequence[str] = ()  # SHA-256 of the public keys of its certificates
    has_dnssec: bool = False
    proxy_ips: Sequence[IPAddress] = ()  # from which its mail leaves too


def files_below(directory: Path) -> KeySource:
    """Keys in the files that a configuration names, relative to the directory of mox.conf."""
    return lambda name: (directory / name).read_bytes()


def host_of(static: Static, keys: KeySource) -> Host:
    """The host as its configuration has it: the addresses of the listener that the world reaches, and its keys."""
    listener = static.listeners.get("public") or next(iter(static.listeners.values()))
    ips = [ip for ip in listener.nat_ips or listener.ips if not ip.is_unspecified and not ip.is_loopback]
    tls = listener.tls
    files = [*tls.host_private_key_files, *(pair.key_file for pair in tls.key_certs)] if tls else []
    digests = dict.fromkeys(spki_sha256(keys(name)) for name in files)
    return Host(ips=ips, key_digests=tuple(digests), proxy_ips=_proxy_ips(static))


def _proxy_ips(static: Static) -> tuple[IPAddress, ...]:
    """What other servers see as the origin of mail that takes a SOCKS transport."""
    ips = (ip for transport in static.transports.values() if transport.socks for ip in transport.socks.remote_ips)
    return tuple(dict.fromkeys(ips))


def records(static: Static, dynamic: Dynamic, domain: Domain, host: Host, keys: KeySource) -> list[Record]:
    """Every record for a domain, in the order above."""
    config = dynamic.domains[domain]
    return [
        *_addresses(static, host),
        *_host_records(static, host),
        Record(
            name=domain.ascii, type="MX", content=f"10 {static.hostname.ascii}.", comment="Mail comes to this host."
        ),
        *_dkim(domain, config, keys),
        *_policies(domain, config, host),
        *_mtasts(static, domain, config),
        *_tlsrpt(domain, config.tlsrpt),
        *_for_clients(static, domain, config),
        *_services(static, domain),
        *_caa(static, domain),
    ]


def _txt(name: str, text: str, comment: str = "") -> Record:
    return Record(name=name, type="TXT", content=text, comment=comment)


def _addresses(static: Static, host: Host) -> Iterator[Record]:
    name = static.hostname.ascii
    for ip in host.ips:
        kind = "A" if ip.version == 4 else "AAAA"
        yield Record(name=name, type=kind, content=str(ip), comment="Where this host is." if ip is host.ips[0] else "")
    comment = "Reverse DNS: set with the provider of the address. Many servers refuse mail without it."
    for ip in host.ips:
        yield Record(name=ip.reverse_pointer, type="PTR", content=f"{name}.", comment=comment, is_reverse=True)
        comment = ""


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
    spf = f"v=spf1 a {_spf(host.proxy_ips)}-all"
    yield _txt(name, spf, "Mail in the name of the host itself, such as bounces, comes from its addresses.")
    if reports := static.host_tlsrpt:
        yield _txt(f"_smtp._tls.{name}", f"v=TLSRPTv1; rua=mailto:{reports.localpart}@{name}")


def _dkim(domain: Domain, config: ConfigDomain, keys: KeySource) -> Iterator[Record]:
    comment = "Public keys of the signatures on outgoing mail (DKIM)."
    for selector, settings in config.dkim.selectors.items() if config.dkim else ():
        key = load_key(keys(settings.private_key_file))
        yield _txt(f"{selector}._domainkey.{domain.ascii}", key.record(), comment)
        comment = ""


def _spf(ips: Iterable[IPAddress]) -> str:
    return "".join(f"ip{ip.version}:{ip} " for ip in ips)


def _policies(domain: Domain, config: ConfigDomain, host: Host) -> Iterator[Record]:
    own = _spf([*host.ips, *(ip for ip in host.proxy_ips if ip not in host.ips)])
    yield _txt(domain.ascii, f"v=spf1 {own}mx ~all", "Mail of this domain comes from these addresses (SPF).")
    if report := config.dmarc:
        address = f"{report.localpart}@{(report.domain or domain).ascii}"
        yield _txt(
            f"_dmarc.{domain.ascii}",
            f"v=DMARC1;p=reject;rua=mailto:{address}{MAX_REPORT}",
            "Others shall refuse mail that only pretends to be from this domain, and report about it (DMARC). Strict "
            "from the start, as this server signs all mail of the domain. If other services send in its name too, "
            "begin with p=none, until the reports show that their mail passes.",
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
        yield Record(name=f"{service}._tcp.{domain.ascii}", type="SRV", content=NOT_OFFERED, comment=comment)
        comment = ""


def _caa(static: Static, domain: Domain) -> Iterator[Record]:
    for authority in static.acme.values():
        issuer = authority.issuer_domain_name or (LETSENCRYPT if LETSENCRYPT in authority.directory_url else "")
        if issuer:
            comment = "Only this authority may make certificates for the domain."
            yield Record(name=domain.ascii, type="CAA", content=f'0 issue "{issuer}"', comment=comment)


def rows(wanted: Iterable[Record], zone: Domain) -> list[Row]:
    """The records for a table, with names as the forms of `zone` want them."""
    return [
        Row(
            name=record.name_in(zone),
            full_name=f"{record.name}.",
            type=record.type,
            ttl=record.ttl,
            content=record.content,
            strings=record.strings,
            zone_line=f"{record.name}. {record.ttl} {record.type} {record.zone_content}",
            record=record,
        )
        for record in wanted
    ]


def zone_file(wanted: Iterable[Record], *, has_dnssec: bool = False) -> str:
    """The records as lines for a zone file; as comments those that need DNSSEC without it, and reverse names."""
    listed = list(wanted)
    width = max((len(record.name) + 1 for record in listed), default=0)
    lines = [f"$TTL {TTL}"]
    for record in listed:
        if record.comment:
            lines += ["", *(f"; {line}" for line in textwrap.wrap(record.comment, COMMENT_WIDTH))]
        mark = "; " if record.is_reverse or (record.needs_dnssec and not has_dnssec) else ""
        lines.append(f"{mark}{record.name + '.':<{width}} {record.type:<5} {record.zone_content}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
