"""TLS policy of outgoing mail, with real servers: each row of who demands what, and what becomes of the message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.net.smtpclient import verified_context
from app.queue.policies import MtaSts
from app.store.queuerecords import Attempt
from app.store.serverdb import ServerDb
from app.store.tlsresults import TlsResult
from app.trust.dane import make_record
from app.trust.lookup import Tlsa
from tests.support.authority import Authority
from tests.support.clock import SetClock
from tests.support.dns import DnsServer, Zone
from tests.support.measuring import moves
from tests.support.queues import message, running_queue
from tests.support.smtpsink import SmtpSink

ROOT = Authority("root")
GOOD = ROOT.leaf("mx.example.net")
OTHER_NAME = ROOT.leaf("mx.elsewhere.example")
EXPIRED = ROOT.leaf("mx.example.net", days=(-9, -1))
UNKNOWN = Authority("unknown").leaf("mx.example.net")
OFFERS = ("PIPELINING", "8BITMIME", "REQUIRETLS")
ENFORCE = "version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 100000\n"
TESTING = ENFORCE.replace("enforce", "testing")
OTHER_HOST = ENFORCE.replace("mx.example.net", "mx2.example.net")


@pytest.fixture(autouse=True)
def _authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The root is the only authority that this machine knows."""
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    verified_context.cache_clear()
    yield
    verified_context.cache_clear()


@dataclass(kw_only=True)
class Case:
    """A server and who demands what."""

    certificate: Authority | None = GOOD  # None: no STARTTLS
    policy: str = ""  # MTA-STS
    tlsa: tuple[Tlsa, ...] = ()
    signed: bool = False  # the answers of DNS are authentic
    tlsa_fails: bool = False
    require: bool | None = None
    offers: tuple[str, ...] = OFFERS


@dataclass
class Seen:
    """What became of the message."""

    attempt: Attempt
    taken: int
    secure: bool
    results: list[TlsResult] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @property
    def reported(self) -> set[tuple[str, str]]:
        """Kinds of policy and what failed."""
        return {(one.kind, one.failure.result if one.failure else "") for one in self.results}


def zone_of(case: Case, port: int) -> Zone:
    zone: Zone = {
        "example.net": {"MX": ["10 mx.example.net"], "AD": case.signed},
        "mx.example.net": {"A": ["127.0.0.1"], "AD": case.signed},
        "_mta-sts.example.net": {"TXT": ["v=STSv1; id=1"]} if case.policy else {},
    }
    if case.tlsa_fails:
        zone[f"_{port}._tcp.mx.example.net"] = {"RCODE": "SERVFAIL"}
    elif case.tlsa:
        texts = [f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in case.tlsa]
        zone[f"_{port}._tcp.mx.example.net"] = {"TLSA": texts, "AD": case.signed}
    return zone


@asynccontextmanager
async def mtasts(directory: Path, zone: Zone, policy: str) -> AsyncIterator[MtaSts]:
    async def fetch(_domain: str) -> bytes:
        return policy.encode()

    clock = SetClock()
    server = ServerDb.open(directory, clock)
    with DnsServer(zone) as dns:
        resolver = Resolver([Server(dns.host, dns.port, trusted=True)])
        try:
            yield MtaSts(resolver, server.policies, clock, fetch)
        finally:
            resolver.close()
            server.close()


def send(directory: Path, case: Case) -> Seen:
    async def main() -> Seen:
        tls = case.certificate.server(directory) if case.certificate else None
        results: list[TlsResult] = []
        async with SmtpSink(tls=tls, offers=case.offers) as sink:
            zone = zone_of(case, sink.port)
            async with (
                mtasts(directory / "sts", zone, case.policy) as policies,
                running_queue(directory, zone, sink.port, mtasts=policies, record_tls=results.append) as bench,
            ):
                (number,) = await bench.send(message("a@example.net", require_tls=case.require, keep_result_s=3600.0))
                attempt = (await bench.setup.db.attempts(number))[-1]
        secure = bool(sink.messages) and sink.messages[0].tls
        return Seen(attempt, len(sink.messages), secure, results, sink.commands)

    return asyncio.run(main())


EE = make_record(3, 1, 1, GOOD.der)
NO_MATCH = make_record(3, 1, 1, OTHER_NAME.der)
UNUSABLE = Tlsa(1, 1, 1, b"x" * 32)

DELIVERED = [
    ("any certificate will do by default", Case(certificate=UNKNOWN), True, ("no-policy-found", "")),
    ("plain text by default", Case(certificate=None), False, ("no-policy-found", "starttls-not-supported")),
    ("MTA-STS enforce", Case(policy=ENFORCE), True, ("sts", "")),
    ("testing, another name", Case(policy=TESTING, certificate=OTHER_NAME), True, ("sts", "certificate-host-mismatch")),
    ("testing, no TLS", Case(policy=TESTING, certificate=None), False, ("sts", "starttls-not-supported")),
    (
        "testing, host not named",
        Case(policy=OTHER_HOST.replace("enforce", "testing")),
        True,
        ("sts", "validation-failure"),
    ),
    (
        "DANE with a certificate of nobody",
        Case(certificate=UNKNOWN, tlsa=(make_record(3, 1, 1, UNKNOWN.der),), signed=True),
        True,
        ("tlsa", ""),
    ),
    (
        "DANE decides for MTA-STS",
        Case(certificate=UNKNOWN, tlsa=(make_record(3, 1, 1, UNKNOWN.der),), signed=True, policy=ENFORCE),
        True,
        ("tlsa", ""),
    ),
    ("DANE unusable, any certificate", Case(certificate=UNKNOWN, tlsa=(UNUSABLE,), signed=True), True, ("tlsa", "")),
    (
        "records without DNSSEC are nothing",
        Case(certificate=None, tlsa=(NO_MATCH,)),
        False,
        ("no-policy-found", "starttls-not-supported"),
    ),
    (
        "TLS-Required: No, another name",
        Case(policy=ENFORCE, certificate=OTHER_NAME, require=False),
        True,
        ("sts", "certificate-host-mismatch"),
    ),
    (
        "TLS-Required: No, DANE does not match",
        Case(tlsa=(NO_MATCH,), signed=True, require=False),
        True,
        ("tlsa", "validation-failure"),
    ),
    (
        "TLS-Required: No, records not to be had",
        Case(tlsa_fails=True, signed=True, require=False),
        True,
        ("tlsa", "dnssec-invalid"),
    ),
    ("TLS-Required: No, host not named", Case(policy=OTHER_HOST, require=False), True, ("sts", "validation-failure")),
    ("REQUIRETLS by MTA-STS", Case(policy=ENFORCE, require=True), True, ("sts", "")),
    ("REQUIRETLS by DANE", Case(tlsa=(EE,), signed=True, require=True), True, ("tlsa", "")),
    ("REQUIRETLS by DNSSEC and an authority", Case(signed=True, require=True), True, ("no-policy-found", "")),
]

REFUSED = [
    (
        "enforce, another name",
        Case(policy=ENFORCE, certificate=OTHER_NAME),
        "4.7.5",
        "for another name; example.net demands",
        ("sts", "certificate-host-mismatch"),
    ),
    (
        "enforce, expired",
        Case(policy=ENFORCE, certificate=EXPIRED),
        "4.7.5",
        "has expired",
        ("sts", "certificate-expired"),
    ),
    (
        "enforce, unknown authority",
        Case(policy=ENFORCE, certificate=UNKNOWN),
        "4.7.5",
        "MTA-STS",
        ("sts", "certificate-not-trusted"),
    ),
    (
        "enforce, no TLS",
        Case(policy=ENFORCE, certificate=None),
        "4.7.5",
        "no encryption",
        ("sts", "starttls-not-supported"),
    ),
    ("enforce, host not named", Case(policy=OTHER_HOST), "4.7.5", "not one of those", ("sts", "validation-failure")),
    ("DANE does not match", Case(tlsa=(NO_MATCH,), signed=True), "4.7.5", "DANE", ("tlsa", "validation-failure")),
    (
        "DANE does not match, whatever MTA-STS says",
        Case(tlsa=(NO_MATCH,), signed=True, policy=ENFORCE),
        "4.7.5",
        "DANE",
        ("tlsa", "validation-failure"),
    ),
    (
        "DANE, no TLS",
        Case(tlsa=(EE,), signed=True, certificate=None),
        "4.7.5",
        "no encryption",
        ("tlsa", "starttls-not-supported"),
    ),
    (
        "DANE unusable, no TLS",
        Case(tlsa=(UNUSABLE,), signed=True, certificate=None),
        "4.7.5",
        "no encryption",
        ("tlsa", "starttls-not-supported"),
    ),
    ("records not to be had", Case(tlsa_fails=True, signed=True), "4.4.3", "DNS", ("tlsa", "dnssec-invalid")),
    ("REQUIRETLS, nothing proves the host", Case(require=True), "5.7.30", "neither MTA-STS nor DNSSEC", None),
    (
        "REQUIRETLS, testing proves nothing",
        Case(policy=TESTING, require=True),
        "5.7.30",
        "neither MTA-STS nor DNSSEC",
        None,
    ),
    (
        "REQUIRETLS, not promised",
        Case(signed=True, require=True, offers=("PIPELINING", "8BITMIME")),
        "5.7.30",
        "does not promise",
        ("no-policy-found", ""),
    ),
    (
        "REQUIRETLS, another name",
        Case(signed=True, require=True, certificate=OTHER_NAME),
        "5.7.30",
        "another name",
        ("no-policy-found", "certificate-host-mismatch"),
    ),
]


@pytest.mark.parametrize(
    ("case", "secure", "reported"),
    [row[1:] for row in DELIVERED],
    ids=[row[0] for row in DELIVERED],
)
def test_delivered(tmp_path: Path, case: Case, secure: bool, reported: tuple[str, str]) -> None:
    seen = send(tmp_path, case)
    assert (seen.attempt.error, seen.taken, seen.secure) == ("", 1, secure)
    assert reported in seen.reported
    assert seen.attempt.security.startswith("TLS 1.3" if secure else "not encrypted")
    if case.require:
        assert any(line.startswith("MAIL FROM:") and line.endswith(" REQUIRETLS") for line in seen.commands)


@pytest.mark.parametrize(
    ("case", "code", "words", "reported"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_not_delivered(tmp_path: Path, case: Case, code: str, words: str, reported: tuple[str, str] | None) -> None:
    seen = send(tmp_path, case)
    assert (seen.attempt.enhanced, seen.taken, seen.attempt.success) == (code, 0, False)
    assert words in seen.attempt.error
    assert not any(line.startswith("MAIL FROM:") for line in seen.commands)
    if reported is not None:
        assert reported in seen.reported


COUNTED = [
    ("dane_verify_total", Case(tlsa=(EE,), signed=True)),
    ("dane_verify_errors_total", Case(tlsa=(NO_MATCH,), signed=True)),
    ("queue_destinations_authentic_total", Case(signed=True)),
    ("queue_destination_dane_required_total", Case(tlsa=(EE,), signed=True)),
    ("queue_destination_dane_starttlsunverified_total", Case(certificate=UNKNOWN, tlsa=(UNUSABLE,), signed=True)),
    ("queue_destination_dane_gathertlsa_errors_total", Case(tlsa_fails=True, signed=True)),
    ("queue_requiretls_unsupported_total/nopolicy", Case(require=True)),
    ("queue_requiretls_unsupported_total/smtpserver", Case(signed=True, require=True, offers=("PIPELINING",))),
    ("queue_requiretls_unsupported_total/tlsverify", Case(signed=True, require=True, certificate=OTHER_NAME)),
    ("queue_tlsrequiredno_ignored_total/mtastsmx", Case(policy=OTHER_HOST, require=False)),
    ("queue_tlsrequiredno_ignored_total/tlsagather", Case(tlsa_fails=True, signed=True, require=False)),
    ("mtastsdb_get_total/fetched", Case(policy=ENFORCE)),
    ("mtasts_get_duration_seconds_count/ok", Case(policy=ENFORCE)),
    ("queue_delivery_duration_seconds_count/delivered", Case()),
    ("queue_connection_total/ok", Case()),
    ("queue_destinations_total", Case()),
    ("smtpclient_command_duration_seconds_count", Case()),
    ("dns_lookup_duration_seconds_count", Case()),
]


@pytest.mark.parametrize(("name", "case"), COUNTED, ids=[name for name, _ in COUNTED])
def test_what_happens_is_counted(tmp_path: Path, name: str, case: Case) -> None:
    metric, _, word = name.partition("/")
    key = "result" if "_get_" in metric or metric.startswith(("queue_delivery", "queue_connection")) else "reason"
    labels = {"ignored" if "ignored" in metric else key: word} if word else {}
    with moves(f"mox_{metric}", **labels):
        send(tmp_path, case)


def test_downgrade_is_told(tmp_path: Path) -> None:
    seen = send(tmp_path, Case(policy=TESTING, certificate=OTHER_NAME))
    assert (
        "certificate not checked, as TLS failed at first: the certificate is for another name" in seen.attempt.security
    )


def test_proof_is_told(tmp_path: Path) -> None:
    seen = send(tmp_path, Case(policy=ENFORCE))
    assert "certificate checked; example.net demands" in seen.attempt.security


def test_tlsa_results_are_for_the_host_too(tmp_path: Path) -> None:
    seen = send(tmp_path, Case(tlsa=(EE,), signed=True))
    assert {(one.domain.ascii, one.is_host) for one in seen.results} == {
        ("example.net", False),
        ("mx.example.net", True),
    }
