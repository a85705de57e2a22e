"""The commands that ask DNS, with a name server of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from app.cli.main import main
from tests.support.dns import DnsServer, Zone

LIST = "bl.example"
ZONE: Zone = {
    "example.org": {
        "TXT": ["v=spf1 ip4:192.0.2.0/30 include:a.example -all exp=why.example", "other"],
        "MX": ["10 mx.example.org", "0 b.example"],
        "A": ["192.0.2.1"],
        "AAAA": ["2001:db8::1"],
        "AD": True,
    },
    "a.example": {"TXT": ["v=spf1 ip4:203.0.113.9"]},
    "why.example": {"TXT": ["%{c} is not ours"]},
    "www.example.org": {"CNAME": ["example.org"], "AD": True},
    "_sip._tcp.example.org": {"SRV": ["0 1 5060 b.example"]},
    "two.example": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]},
    "slow.example": {"RCODE": "SERVFAIL"},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
    f"2.0.0.127.{LIST}": {"A": ["127.0.0.2"]},
    f"1.2.0.192.{LIST}": {"A": ["127.0.0.2"], "TXT": ["junk seen"]},
    f"2.2.0.192.{LIST}": {"A": ["127.255.255.254"]},
}


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with DnsServer(ZONE) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        yield


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("dns", "lookup", "mx", "example.org."), 0, ["2 MX records of", "(with DNSSEC)", "- 0 b.example."]),
        (("dns", "lookup", "ips", "example.org"), 0, ["2 addresses of example.org", "- 192.0.2.1", "- 2001:db8::1"]),
        (("dns", "lookup", "A", "www.example.org"), 0, ["1 A record of", "an alias of example.org", "- 192.0.2.1"]),
        (("dns", "lookup", "cname", "www.example.org"), 0, ["1 CNAME record of", "- example.org."]),
        (("dns", "lookup", "srv", "_sip._tcp.example.org"), 0, ["- 0 1 5060 b.example."]),
        (("dns", "lookup", "ptr", "192.0.2.1"), 0, ["- mx.example.org."]),
        (("dns", "lookup", "a", "localhost"), 0, ["- 127.0.0.1"]),
        (("dns", "lookup", "ns", "example.org"), 1, ["has no NS record (there are other records; with DNSSEC)"]),
        (("dns", "lookup", "ns", "gone.example"), 1, ["the name does not exist"]),
        (("dns", "lookup", "a", "slow.example"), 1, ["cannot look up A of slow.example"]),
        (("dns", "lookup", "spf", "example.org"), 2, ["'spf' is not one of"]),
        (("spf", "lookup", "example.org"), 0, ["(with DNSSEC)", "192.0.2.0 to 192.0.2.3 may send"]),
        (("spf", "lookup", "gone.example"), 1, ["gone.example does not exist"]),
        (("spf", "lookup", "why.example"), 1, ["has no SPF record"]),
        (("spf", "lookup", "two.example"), 1, ["has 2 SPF records"]),
        (("spf", "check", "example.org", "192.0.2.2"), 0, ["pass: example.org lets 192.0.2.2", "ip4:192.0.2.0/30"]),
        (("spf", "check", "jane@example.org", "203.0.113.9"), 0, ["include:a.example"]),
        (("spf", "check", "example.org", "::1"), 1, ["fail: ", "Decided by: -all", "explains: ::1 is not ours"]),
        (("spf", "check", "slow.example", "::1"), 1, ["temperror: "]),
        (("spf", "check", "example.org", "x"), 1, ["'x' is not an IP address"]),
        (("spf", "check", "a b", "::1"), 1, ["'a b' is not a domain"]),
        (("spf", "parse", "v=spf1", "mx", "-all"), 0, ["the mail servers (MX) of the domain may", "else may not"]),
        (("spf", "parse", "v=spf1 ip4:1.2.3 -all"), 1, ["'ip4:1.2.3': not an IPv4 address", "permerror"]),
        (("dnsbl", "check", LIST, "192.0.2.1"), 1, ["192.0.2.1 is listed in bl.example", "The list says: junk seen"]),
        (("dnsbl", "check", LIST, "192.0.2.2"), 1, ["cannot tell: the list does not answer public resolvers"]),
        (("dnsbl", "check", LIST, "192.0.2.3"), 0, ["192.0.2.3 is not listed in bl.example"]),
        (("dnsbl", "checkhealth", LIST), 0, ["bl.example works\n"]),
        (("dnsbl", "checkhealth", "gone.example"), 1, ["gone.example cannot be used: the test entry 127.0.0.2"]),
    ],
)  # fmt: skip
def test_what_is_asked_is_answered_in_words(
    words: Sequence[str], code: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == code
    out = "".join(capsys.readouterr())
    for part in said:
        assert part in out
