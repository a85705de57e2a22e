"""Evaluation beyond the published suite: reasons in words, DNSSEC, names that are not ASCII, and hostile zones."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.trust.budget import MAX_LOOKUPS, Budget
from app.trust.lookup import Answer, LookupFailed, Mx
from app.trust.spf.evaluate import check_spf
from app.trust.spf.result import SpfIdentity, SpfResult, SpfStatus
from app.wire.domain import Domain
from app.wire.smtp.address import NULL_PATH, Address, AddressLiteral, IPAddress, ReversePath
from tests.support.growth import assert_linear
from tests.support.machines import DictionaryResolver, Zone

CLIENT = ipaddress.ip_address("192.0.2.1")
SENDER = Address("a", Domain("example.org"))


def check(zone: Zone, sender: ReversePath = SENDER, helo: str = "mail.example.org", ip: str = "192.0.2.1") -> SpfResult:
    identity = SpfIdentity(ip=ipaddress.ip_address(ip), helo=helo, mail_from=sender, hostname="mx.example.com")

    async def run() -> SpfResult:
        return await check_spf(Budget(DictionaryResolver(zone)), identity)

    return asyncio.run(run())


def spf(text: str, **others: Any) -> dict[str, Any]:
    return {"TXT": [text], **others}


def test_the_term_that_decided_is_told() -> None:
    zone = {"example.org": spf("v=spf1 include:a.example -all"), "a.example": spf("v=spf1 ip4:192.0.2.0/24 ?all")}
    found = check(zone)
    assert (found.status, found.mechanism, found.terms) == (SpfStatus.PASS, "include:a.example", 1)
    assert found.words(CLIENT) == "example.org lets 192.0.2.1 send for it"
    assert check(zone, ip="203.0.113.1").mechanism == "-all"
    assert check({"example.org": spf("v=spf1")}).mechanism == "default"


def test_an_ipv4_address_written_as_ipv6_is_ipv4() -> None:
    assert check({"example.org": spf("v=spf1 ip4:192.0.2.1 -all")}, ip="::ffff:192.0.2.1").status is SpfStatus.PASS


def test_a_result_is_authentic_only_when_all_answers_were() -> None:
    zone = {"example.org": spf("v=spf1 a -all", AD=True), "a.example": spf("v=spf1 -all")}
    assert not check(zone).is_authentic or check(zone).status is SpfStatus.FAIL
    zone["example.org"] = spf("v=spf1 ip4:192.0.2.1 include:a.example -all", AD=True)
    assert check(zone).is_authentic
    assert not check(zone, ip="192.0.2.2").is_authentic


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 a:a:b -all", "'a:a:b'"),
        ("v=spf1 foo -all", "'foo' is no mechanism"),
        ("v=spf1 include:none.example -all", "include:none.example: there is no SPF record"),
        ("v=spf1 redirect=none.example", "redirect=none.example: there is no SPF record"),
        ("v=spf1 a:x.a a:x.b a:x.c -all", "more than 2 terms name what is not in DNS"),
        ("v=spf1 include:example.org", "more than 10 terms"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(record: str, words: str) -> None:
    found = check({"example.org": spf(record)})
    assert found.status is SpfStatus.PERMERROR
    assert words in found.problem


def test_void_terms_are_counted_and_not_the_questions_of_one() -> None:
    """An IPv6 client must not make a record void whose many exchangers have IPv4 only."""
    hosts = [f"{n}.example" for n in range(5)]
    zone: Zone = {name: {"A": ["192.0.2.9"]} for name in hosts}
    zone["example.org"] = spf("v=spf1 mx -all", MX=[f"10 {name}" for name in hosts])
    assert check(zone, ip="2001:db8::1").status is SpfStatus.FAIL
    assert check({"example.org": spf("v=spf1 ptr a:x.a a:x.b -all")}).status is SpfStatus.PERMERROR


def test_dns_that_does_not_answer_is_a_temporary_error() -> None:
    zone: Zone = {
        "example.org": spf("v=spf1 include:slow.example -all", AD=True),
        "slow.example": {"RCODE": "SERVFAIL"},
    }
    found = check(zone)
    assert found.status is SpfStatus.TEMPERROR
    assert "slow.example" in found.problem
    assert not found.is_authentic


def test_null_reverse_path_is_judged_by_the_helo_name() -> None:
    zone = {"mail.example.org": spf("v=spf1 exists:%{l}.%{o}.%{h} -all")}
    zone["postmaster.mail.example.org.mail.example.org"] = {"A": ["127.0.0.2"]}
    found = check(zone, NULL_PATH)
    assert (found.status, found.is_helo, found.domain) == (SpfStatus.PASS, True, "mail.example.org")
    for helo in ("[192.0.2.1]", "localhost", "", "a..b", "x" * 64 + ".example", "\xe4.example"):
        assert check(zone, NULL_PATH, helo).status is SpfStatus.NONE
    assert check(zone, AddressLiteral("a", CLIENT)).status is SpfStatus.NONE


def test_a_localpart_that_is_not_ascii_matches_no_macro() -> None:
    """RFC 8616 §4."""
    zone = {"example.org": spf("v=spf1 exists:%{l}.example.net ?all"), "example.net": {"A": ["127.0.0.2"]}}
    assert check(zone, Address("\xe4", Domain("example.org"))).status is SpfStatus.NEUTRAL


def test_an_explanation_is_clean_and_short() -> None:
    zone = {"example.org": spf("v=spf1 -all exp=why.example.org"), "why.example.org": spf("%{i} %{s} " + "x" * 900)}
    found = check(zone, Address("a\r\n250 ok", Domain("example.org")))
    assert found.explanation.startswith("192.0.2.1 a??250 ok@example.org xxx")
    assert len(found.explanation) == 500


def test_what_a_client_calls_itself_is_shown_clean() -> None:
    found = check({}, NULL_PATH, "x\r\ny\x1b[1m" + "z" * 400)
    assert found.domain.isprintable()
    assert len(found.domain) <= 253


def test_the_costliest_records_cost_no_more_than_their_length() -> None:
    def check_long(size: int) -> None:
        macros = " ".join("exists:" + "%{ir-}" * size + f".{n}.example" for n in range(9))
        networks = "ip4:192.0.2.0/24 " * 8 * size
        zone: Zone = {"example.org": spf(f"v=spf1 {macros} include:n.example"), "n.example": spf(f"v=spf1 {networks}")}
        check(zone, ip="2001:db8::1")

    assert_linear(check_long, 15)


WORDS = st.sampled_from(
    "v=spf1 a mx ptr exists: include: redirect= exp= ip4: ip6: all %{ p } ir s L9r- z.example y.example %{p} "
    "%{s}.z.example /0 //64 - ~ ? : %% 1".split()
    + [" "] * 6
)
RECORDS = st.one_of(st.binary(max_size=60), st.lists(WORDS, max_size=25).map(lambda words: "".join(words).encode()))


class WildZone:
    """A zone that answers anything to any question, the same each time."""

    def __init__(self, records: list[bytes], fails: int) -> None:
        self.records = records
        self.fails = fails
        self.asked = 0

    def _turn(self, name: str) -> int:
        self.asked += 1
        assert len(name) <= 253
        turn = sum(name.encode())
        if self.fails and turn % self.fails == 0:
            raise LookupFailed(name, "any", "SERVFAIL")
        return turn

    async def txt(self, name: str) -> Answer[bytes]:
        return Answer((b"v=spf1 " + self.records[self._turn(name) % len(self.records)],), name)

    async def mx(self, name: str) -> Answer[Mx]:
        return Answer(tuple(Mx(n, f"{n}.{name}"[-250:]) for n in range(self._turn(name) % 12)), name)

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        return Answer((ipaddress.ip_address(self._turn(name)),), name)

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        return Answer((ipaddress.ip_address(2**100 + self._turn(name)),), name)

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        return Answer(tuple(f"{n}.z.example" for n in range(self._turn(str(ip)) % 200)), "")

    addresses = ns = tlsa = ipv4  # type: ignore[assignment]


@settings(max_examples=int(os.environ.get("MOX_EXAMPLES", "300")))  # some 10,000 in a minute
@given(st.lists(RECORDS, min_size=1, max_size=4), st.integers(0, 5), st.ip_addresses(), st.text(max_size=20))
@example([b"mx mx:a.example mx:b.example mx:c.example mx:d.example mx:e.example mx:f.example -all"], 0, CLIENT, "a")
@example([b"exists:" + b"%{s}" * 120 + b" all", b"x=" + b"%{i}" * 4000], 0, CLIENT, "a" * 200)
@example([b"include:%{d2}.x.example include:a.%{d}"], 0, CLIENT, "a")
def test_any_record_and_any_answers_give_a_result_within_the_limits(
    records: list[bytes], fails: int, ip: IPAddress, localpart: str
) -> None:
    zone = WildZone(records, fails)

    async def run() -> SpfResult:
        identity = SpfIdentity(ip=ip, helo="h", mail_from=Address(localpart, SENDER.domain), hostname="r")
        return await check_spf(Budget(zone), identity)  # type: ignore[arg-type]

    found = asyncio.run(run())
    assert found.status in SpfStatus
    assert zone.asked <= MAX_LOOKUPS
    assert found.terms <= 11
