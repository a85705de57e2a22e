"""The check of a domain: a set-up that is right has nothing to say, and each fault is found by its part."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.config.dynamic import ConfigDomain, Dynamic, MtaSts, MtaStsMode, ReportAddress
from app.config.listener import Imaps, Listener, ListenerTls, Smtp
from app.config.schema import IPAddress, Seconds
from app.config.static import HostTlsRpt, Postmaster, Static
from app.config.transports import SocksTransport, Transport
from app.log import Level
from app.net.authority import AuthoritativeServers
from app.net.dnsexchange import parse_server
from app.net.resolver import Resolver
from app.net.selfsigned import make_self_signed
from app.operations.dkimkeys import dkim_settings, make_keys
from app.operations.dnscheck.check import PARTS, check_domain, check_part
from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.dnscheck.findings import DomainCheck, Network, Part, PartCheck, Subject
from app.operations.dnsrecords import host_of, records
from app.wire.domain import Domain
from tests.support.dns import DnsServer, Zone

DOMAIN = Domain("example.org")
IP = "127.0.0.1"  # of the host, where the name server of the zone is as well
EXIT = "9.100.51.198.in-addr.arpa"  # of a proxy that mail takes
KEYS = make_keys(DOMAIN, 1_790_000_000.0)
SECRETS = {key.path: key.pem for key in KEYS} | {"key": make_self_signed(["mx.example.org"], 0).key}
REPORT = ReportAddress(localpart="reports", account="jane", mailbox="x")
CONFIG = ConfigDomain(
    client_settings_domain=Domain("mail.example.org"),
    dkim=dkim_settings(KEYS),
    dmarc=REPORT,
    tlsrpt=REPORT,
    mtasts=MtaSts(policy_id="1", mode=MtaStsMode.ENFORCE, max_age=Seconds(86400.0)),
)
STATIC = Static(
    data_dir="data",
    log_level=Level.INFO,
    hostname=Domain("mx.example.org"),
    listeners={
        "public": Listener(
            ips=(ipaddress.ip_address("0.0.0.0"),),
            nat_ips=(ipaddress.ip_address("203.0.113.7"),),
            tls=ListenerTls(host_private_key_files=("key",)),
            smtp=Smtp(enabled=True),
            imaps=Imaps(enabled=True),
        )
    },
    postmaster=Postmaster(account="jane", mailbox="Postmaster"),
    transports={
        "exit": Transport(
            socks=SocksTransport(
                address="localhost:1080",
                remote_ips=(ipaddress.ip_address("198.51.100.9"),),
                remote_hostname=Domain("exit.example.net"),
            )
        )
    },
    host_tlsrpt=HostTlsRpt(account="jane", mailbox="TLSRPT", localpart="tlsreports"),
)
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"


@dataclass
class FakeDialler:
    """Hosts that are as they should be, but for what a test says."""

    faults: dict[str, str] = field(default_factory=dict)  # by "smtp", "https:host", "fetch"
    policy: str = POLICY

    async def starttls(self, host: str, ip: IPAddress) -> None:
        assert str(ip) == "203.0.113.7"
        self._fail("smtp")

    async def https(self, host: str, ip: IPAddress) -> None:
        self._fail(f"https:{host}")

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        assert (host, path) == ("mta-sts.example.org", "/.well-known/mta-sts.txt")
        self._fail("fetch")
        return self.policy

    def _fail(self, which: str) -> None:
        if fault := self.faults.get(which):
            raise ProbeFailed(fault)


def published(config: ConfigDomain = CONFIG) -> Zone:
    """A zone with every wanted record, signed, and its name server at 127.0.0.1."""
    dynamic = Dynamic(domains={DOMAIN: config}, accounts={})
    source = SECRETS.__getitem__
    zone: Zone = {"com": {"NS": ["a.gtld.example"]}}
    for record in records(STATIC, dynamic, DOMAIN, host_of(STATIC, source), source):
        zone.setdefault(record.name, {}).setdefault(record.type, []).append(record.content)
    zone["example.org"]["NS"] = ["ns.example.net"]
    zone["ns.example.net"] = {"A": [IP]}
    zone["exit.example.net"] = {"A": ["198.51.100.9"]}
    zone[EXIT] = {"PTR": ["exit.example.net"]}
    for facts in zone.values():
        facts["AD"] = True
    return zone


GOOD = published()


@dataclass
class Case:
    """One fault: what it changes, and the words that the part finds for it."""

    part: Part
    words: str
    zone: Callable[[Zone], Any] = lambda zone: None
    dialler: FakeDialler = field(default_factory=FakeDialler)
    config: dict[str, Any] = field(default_factory=dict)
    is_warning: bool = False


def look(zone: Zone, dialler: FakeDialler, config: ConfigDomain = CONFIG, part: Part | None = None) -> DomainCheck:
    dynamic = Dynamic(domains={DOMAIN: config}, accounts={})
    source = SECRETS.__getitem__

    async def run() -> DomainCheck:
        with DnsServer(zone) as server:
            resolver = Resolver([parse_server(f"{server.host}:{server.port}")])
            authority = AuthoritativeServers(resolver, server.port, 2.0)
            network = Network(resolver=resolver, authority=authority, dialler=dialler)
            try:
                if part is None:
                    return await check_domain(STATIC, dynamic, DOMAIN, source, network)
                host = host_of(STATIC, source)
                wanted = records(STATIC, dynamic, DOMAIN, host, source)
                subject = Subject(
                    static=STATIC, config=config, domain=DOMAIN, host=host, wanted=wanted, network=network
                )
                return DomainCheck(domain=DOMAIN, parts=(await check_part(part, subject),))
            finally:
                authority.close()
                resolver.close()

    return asyncio.run(run())


def text(name: str, old: str, new: str) -> Callable[[Zone], None]:
    """Change a text record."""

    def change(zone: Zone) -> None:
        zone[name]["TXT"] = [one.replace(old, new) for one in zone[name]["TXT"]]

    return change


def put(name: str, **facts: list[str]) -> Callable[[Zone], None]:
    return lambda zone: zone.__setitem__(name, {**facts, "AD": True})


def add(name: str, kind: str, *texts: str) -> Callable[[Zone], None]:
    return lambda zone: zone[name].__setitem__(kind, list(texts))


def drop(name: str) -> Callable[[Zone], Any]:
    return lambda zone: zone.pop(name)


def unsigned(*names: str) -> Callable[[Zone], None]:
    def change(zone: Zone) -> None:
        for name in names:
            del zone[name]["AD"]

    return change


def policy(old: str, new: str) -> FakeDialler:
    return FakeDialler(policy=POLICY.replace(old, new))


OTHER = Domain("other.example")
REVERSE = "7.113.0.203.in-addr.arpa"
CASES = [
    Case(Part.DNSSEC, "does not check DNSSEC", unsigned("com")),
    Case(Part.DNSSEC, "not signed with DNSSEC", unsigned("example.org"), is_warning=True),
    Case(Part.IPREV, "has no reverse name", drop(REVERSE)),
    Case(Part.IPREV, "is called x.provider.example, not mx.example.org", put(REVERSE, PTR=["x.provider.example"])),
    Case(Part.IPREV, "several reverse names", put(REVERSE, PTR=["mx.example.org", "b.example"]), is_warning=True),
    Case(Part.IPREV, "does not lead to 203.0.113.7", add("mx.example.org", "A", "192.0.2.1")),
    Case(Part.IPREV, "is called x.example.net, not exit.example.net", put(EXIT, PTR=["x.example.net"])),
    Case(Part.IPREV, "exit.example.net does not lead", add("exit.example.net", "A", "192.0.2.1")),
    Case(Part.IPREV, "Cannot tell", put(REVERSE, RCODE=["x"])),
    Case(Part.MX, "takes no mail", add("example.org", "MX", "0 .")),
    Case(Part.MX, "has no address", add("example.org", "MX", "10 gone.example.org")),
    Case(Part.MX, "at Google (aspmx.l.google.com) today", add("example.org", "MX", "1 aspmx.l.google.com")),
    Case(Part.MX, "leads to 192.0.2.1: not this server", add("mx.example.org", "A", "192.0.2.1")),
    Case(Part.TLS, "mx.example.org: certificate", dialler=FakeDialler({"smtp": "certificate not accepted"})),
    Case(Part.TLS, "no mail host", add("example.org", "MX", "0 .")),
    Case(Part.DANE, "1 of 1 missing", drop("_25._tcp.mx.example.org")),
    Case(Part.DANE, "does not use: 3 1 1 0011", add("_25._tcp.mx.example.org", "TLSA", "3 1 1 " + "0011" * 16)),
    Case(Part.DANE, "not signed with DNSSEC", unsigned("example.org"), is_warning=True),
    Case(Part.SPF, "Not there yet", text("example.org", "v=spf1", "v=none")),
    Case(Part.SPF, "Not there yet", text("mx.example.org", "v=spf1", "v=none")),
    Case(
        Part.SPF, "from 203.0.113.7 fails", text("example.org", "ip4:203.0.113.7 ip4:198.51.100.9 mx", "ip4:192.0.2.1")
    ),
    Case(Part.SPF, "from 198.51.100.9 fails", text("example.org", "ip4:198.51.100.9", "ip4:192.0.2.1")),
    Case(Part.SPF, "Mail of mx.example.org from 198.51.100.9", text("mx.example.org", "ip4:198.51.100.9 ", "")),
    Case(
        Part.SPF,
        "cannot be used: include:a.example: there is no SPF record",
        text("example.org", "v=spf1", "v=spf1 include:a.example"),
    ),
    Case(Part.DKIM, "another key", text("2026a._domainkey.example.org", "p=", "p=AAAA")),
    Case(Part.DKIM, "Not there yet", drop("2026b._domainkey.example.org")),
    Case(Part.DKIM, "is not signed", config={"dkim": None}),
    Case(Part.DMARC, "Not there yet", drop("_dmarc.example.org")),
    Case(Part.DMARC, "p=none", text("_dmarc.example.org", "p=reject", "p=none"), is_warning=True),
    Case(Part.DMARC, "sp=none", text("_dmarc.example.org", "p=reject", "p=reject;sp=none"), is_warning=True),
    Case(Part.DMARC, "no address for reports", text("_dmarc.example.org", "rua", "x"), is_warning=True),
    Case(Part.DMARC, "today", text("_dmarc.example.org", "reports@example.org", "x@report.example")),
    Case(Part.DMARC, "No address for DMARC", config={"dmarc": None}, is_warning=True),
    Case(
        Part.DMARC,
        "other.example does not say that it takes reports",
        text("_dmarc.example.org", "reports@example.org", "reports@other.example"),
        config={"dmarc": dataclasses.replace(REPORT, domain=OTHER)},
    ),
    Case(Part.TLSRPT, "_smtp._tls.mx.example.org", drop("_smtp._tls.mx.example.org")),
    Case(Part.TLSRPT, "Nobody is asked", config={"tlsrpt": None}, is_warning=True),
    Case(Part.MTASTS, "No MTA-STS policy", config={"mtasts": None}, is_warning=True),
    Case(Part.MTASTS, "another policy", text("_mta-sts.example.org", "id=1", "id=2")),
    Case(Part.MTASTS, "cannot be read", dialler=FakeDialler({"fetch": "404"})),
    Case(Part.MTASTS, "no MTA-STS policy", dialler=policy("STSv1", "")),
    Case(Part.MTASTS, "mode testing, not enforce", dialler=policy("enforce", "testing")),
    Case(Part.MTASTS, "within a day", dialler=policy("604800", "60"), is_warning=True),
    Case(Part.MTASTS, "does not allow the mail host mx.example.org", dialler=policy("mx.example", "*.mx.example")),
    Case(Part.MTASTS, "names old.example.org", dialler=policy("max", "mx: old.example.org\nmax"), is_warning=True),
    Case(Part.MTASTS, "has no address", drop("mta-sts.example.org")),
    Case(Part.SRV, "_imaps._tcp.example.org SRV: Not there", drop("_imaps._tcp.example.org")),
    Case(Part.SRV, "_pop3._tcp.example.org SRV: Not there", drop("_pop3._tcp.example.org"), is_warning=True),
    Case(Part.AUTOCONF, "has no address", drop("autoconfig.example.org")),
    Case(Part.AUTOCONF, "not this server", put("mail.example.org", A=["192.0.2.1"])),
    Case(Part.AUTOCONF, "closed", dialler=FakeDialler({"https:autoconfig.example.org": "closed"})),
    Case(Part.AUTODISCOVER, "Not there", drop("_autodiscover._tcp.example.org")),
    Case(Part.AUTODISCOVER, "closed", dialler=FakeDialler({"https:mx.example.org": "closed"})),
]


def test_a_domain_that_is_set_up_right_has_nothing_to_say() -> None:
    found = look(copy.deepcopy(GOOD), FakeDialler())
    assert [part.part for part in found.parts] == list(Part) == list(PARTS)
    assert [(part.part, part.errors, part.warnings) for part in found.parts if not part.is_fine] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.part.value}: {case.words}")
def test_each_fault_is_found_by_its_part(case: Case) -> None:
    zone = copy.deepcopy(GOOD)
    case.zone(zone)
    if zone.get(REVERSE, {}).get("RCODE"):
        zone[REVERSE] = {"RCODE": "SERVFAIL"}
    found: PartCheck = look(zone, case.dialler, dataclasses.replace(CONFIG, **case.config), case.part).parts[0]
    assert any(case.words in line for line in (found.warnings if case.is_warning else found.errors)), found


def test_missing_records_come_as_lines_to_publish() -> None:
    zone = copy.deepcopy(GOOD)
    zone["example.org"]["TXT"] = ["v=spf1 include:_spf.google.com -all"]
    spf = look(zone, FakeDialler(), part=Part.SPF).parts[0]
    assert spf.instructions == (
        'Publish: example.org. TXT "v=spf1 ip4:203.0.113.7 ip4:198.51.100.9 mx include:_spf.google.com -all"',
    )


def test_a_zone_of_strangers_is_shown_as_text_and_bounded() -> None:
    zone = copy.deepcopy(GOOD)
    hostile = "\\027[2J<script>" + "x" * 3000
    zone["example.org"]["MX"] = [f"{n} h{n}.example.org" for n in range(100)]
    zone["example.org"]["TXT"] = [f"v=spf1 {hostile}"]
    zone["_dmarc.example.org"]["TXT"] = [f"v=DMARC1; p={hostile}; rua={hostile}"]
    dialler = FakeDialler(policy=f"version: STSv1\nmode: \x1b[2J{'x' * 9000}\nmx: \u202e{hostile}\n")
    found = look(zone, dialler)
    lines = [line for part in found.parts for line in (*part.errors, *part.warnings, *part.instructions)]
    assert len(lines) > 10
    assert all(line.isprintable() and len(line) < 4_000 for line in lines)


def test_without_dns_every_part_says_that_it_cannot_tell() -> None:
    zone: Zone = {name: {"RCODE": "SERVFAIL"} for name in [*GOOD, "org", "example.org"]}
    found = look(zone, FakeDialler())
    assert all(any("Cannot tell" in line for line in part.errors) for part in found.parts), found
