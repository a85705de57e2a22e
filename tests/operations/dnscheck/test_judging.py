"""One wanted record against what stands at its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.dnscheck import spf
from app.operations.dnscheck.judging import Expected, Fit, judge
from app.operations.dnsrecords import Record

SPF = "v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 mx ~all"
DMARC = "v=DMARC1;p=reject;rua=mailto:dmarcreports@example.org!10m"
TLSRPT = "v=TLSRPTv1; rua=mailto:tlsreports@example.org"
STS = "v=STSv1; id=20260101T000000"
KEY = "MIIBIjANBgkq"
DKIM = f"v=DKIM1;h=sha256;p={KEY}"
TLSA = "3 1 1 " + "ab" * 32
WANTED = {
    "MX": ("MX", "10 mx.example.org."),
    "SPF": ("TXT", SPF),
    "DMARC": ("TXT", DMARC),
    "TLSRPT": ("TXT", TLSRPT),
    "STS": ("TXT", STS),
    "DKIM": ("TXT", DKIM),
    "A": ("A", "203.0.113.7"),
    "CNAME": ("CNAME", "mx.example.org."),
    "PTR": ("PTR", "mx.example.org."),
    "TLSA": ("TLSA", TLSA),
    "SRV": ("SRV", "0 1 993 mx.example.org."),
    "NOSRV": ("SRV", "0 0 0 ."),
    "CAA": ("CAA", '0 issue "letsencrypt.org"'),
}


def expected(which: str) -> Expected:
    kind, content = WANTED[which]
    record = Record(name="x.example.org", type=kind, content=content)
    return Expected(record=record, siblings=frozenset({content}), target_ips=frozenset({"203.0.113.7"}))


R, A, W, F = Fit.RIGHT, Fit.ABSENT, Fit.WRONG, Fit.FOREIGN
CASES = [
    ("MX", ["10 mx.example.org."], R, ""),
    ("MX", ["5 MX.example.org."], R, ""),
    ("MX", ["1 aspmx.l.google.com.", "5 alt1.aspmx.l.google.com."], F, "at Google (aspmx.l.google.com) today"),
    ("MX", ["10 mx.example.org.", "20 mail.other.example."], F, "to mail.other.example as well"),
    ("MX", ["0 ."], W, "null MX"),
    ("SPF", [SPF], R, ""),
    ("SPF", ["v=spf1 MX ip6:2001:DB8:0::7 ip4:203.0.113.7/32 include:other.example -all"], R, ""),
    ("SPF", ["google-site-verification=1", "v=spf10 x"], A, ""),
    ("SPF", ["v=spf1 mx ~all"], W, "lacks ip4:203.0.113.7, ip6:2001:db8::7"),
    ("SPF", ["v=spf1 -all"], W, "mail that this server sends fails"),
    ("SPF", [SPF.replace(" ~all", "")], W, "does not end with"),
    ("SPF", ["v=spf1 include:_spf.google.com ~all"], F, "include:_spf.google.com today"),
    ("SPF", ["v=spf1 mx -all", "v=spf1 a ?all"], W, "2 SPF records"),
    ("DMARC", ["v=DMARC1; p=reject; rua=mailto:DMARCreports@example.org"], R, ""),
    ("DMARC", ["v=DMARC1; p=reject; rua=mailto:x@report.example,mailto:dmarcreports@example.org"], R, ""),
    ("DMARC", ["v=DMARC1; p=none; rua=mailto:dmarcreports@example.org"], W, "not as wanted (p)"),
    ("DMARC", ["v=DMARC1; p=reject"], W, "not as wanted (rua)"),
    ("DMARC", ["v=DMARC1; p=reject; rua=mailto:x@report.example"], F, "mailto:x@report.example today"),
    ("DMARC", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], W, "counts as none"),
    ("TLSRPT", ["v=TLSRPTv1; rua=https://report.example/x"], F, "https://report.example/x today"),
    ("STS", ["v=STSv1; id=1;"], W, "another policy"),
    ("STS", ["v=STSv1;id=20260101T000000;"], R, ""),
    ("DKIM", [f"k=rsa; p={KEY[:4]} {KEY[4:]}"], R, ""),
    ("DKIM", [f"v=DKIM1; t=s; p={KEY[:4]} {KEY[4:]}"], R, ""),
    ("DKIM", [f"v=DKIM1; p={KEY.lower()}"], W, "another key"),
    ("DKIM", ["v=DKIM1; p="], W, "withdrawn"),
    ("DKIM", ["something else"], A, ""),
    ("A", ["203.0.113.7"], R, ""),
    ("A", ["203.0.113.7", "192.0.2.1"], W, "leads to 192.0.2.1"),
    ("CNAME", ["mx.example.org."], R, ""),
    ("CNAME", ["A 203.0.113.7"], R, ""),
    ("CNAME", ["A 192.0.2.1"], F, "192.0.2.1 today"),
    ("CNAME", ["mail.other.example."], F, "mail.other.example today"),
    ("PTR", ["mx.example.org."], R, ""),
    ("PTR", ["static-7.provider.example."], W, "called static-7.provider.example"),
    ("TLSA", [TLSA.upper(), "3 1 1 " + "00" * 32], R, ""),
    ("TLSA", ["3 1 1 " + "00" * 32], W, "another key"),
    ("SRV", ["5 5 993 mx.example.org."], R, ""),
    ("SRV", ["0 1 143 mx.example.org."], F, "port 143"),
    ("SRV", ["0 0 0 ."], W, "not offered"),
    ("NOSRV", ["1 0 0 ."], R, ""),
    ("NOSRV", ["0 1 143 imap.other.example."], F, "imap.other.example port 143"),
    ("CAA", ['0 issue "other.example"', '0 issue "letsencrypt.org; validationmethods=dns-01"'], R, ""),
    ("CAA", ['0 issue "other.example"'], F, "other.example only"),
    ("CAA", ['0 iodef "mailto:x@example.org"'], A, ""),
]


@pytest.mark.parametrize(("which", "found", "fit", "words"), CASES)
def test_a_record_fits_or_the_note_says_why_not(which: str, found: list[str], fit: Fit, words: str) -> None:
    judgement = judge(expected(which), found)
    assert (judgement.fit, judgement.note and words in judgement.note) == (fit, bool(words) or "")


@pytest.mark.parametrize("which", WANTED)
def test_nothing_at_the_name_is_absent(which: str) -> None:
    assert judge(expected(which), []).fit is Fit.ABSENT


def test_differences_are_by_tag() -> None:
    judgement = judge(expected("DMARC"), ["v=DMARC1; p=none; sp=none; rua=mailto:dmarcreports@example.org"])
    assert [(one.tag, one.wanted, one.found) for one in judgement.differences] == [("p", "reject", "none")]


@pytest.mark.parametrize(
    ("found", "proposal"),
    [
        (
            ["v=spf1 include:_spf.google.com -all"],
            "v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 mx include:_spf.google.com -all",
        ),
        (["v=spf1 mx redirect=other.example"], "v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 mx redirect=other.example"),
        (["v=spf1 include:a.example +all"], "v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 mx include:a.example ~all"),
        (["v=spf1 a:x.example ~all", "v=spf1 -all"], "v=spf1 a:x.example ip4:203.0.113.7 ip6:2001:db8::7 mx ~all"),
    ],
)
def test_an_existing_spf_record_is_extended_and_never_replaced(found: list[str], proposal: str) -> None:
    result = judge(expected("SPF"), found).proposal
    assert sorted(result.split()) == sorted(proposal.split())
    assert result.split()[-1] == proposal.split()[-1]
    assert spf.missing(SPF, result) == []


def test_reports_to_others_go_on_in_the_proposal() -> None:
    judgement = judge(expected("DMARC"), ["v=DMARC1; p=none; fo=1; rua=mailto:x@report.example!1m"])
    assert judgement.proposal == (
        "v=DMARC1; p=none; fo=1; rua=mailto:dmarcreports@example.org!10m,mailto:x@report.example!1m"
    )


def test_hostile_texts_are_shown_as_text() -> None:
    judgement = judge(expected("SPF"), ["v=spf1 include:\x1b[2J\u202eevil\r\n " + "x" * 60_000 + " ~all"])
    shown = " ".join([judgement.note, judgement.proposal, *judgement.found])
    assert shown.isprintable()
    assert "\\x1b[2j\\u202eevil" in shown
    assert len(shown) < 5_000


@given(st.sampled_from(sorted(WANTED)), st.lists(st.text(max_size=80), max_size=4))
def test_no_text_breaks_the_judgement_of_a_txt_record(which: str, found: list[str]) -> None:
    if WANTED[which][0] == "TXT":
        prefix = WANTED[which][1][:8]
        for texts in (found, [prefix + text for text in found], [WANTED[which][1] + text for text in found]):
            judgement = judge(expected(which), texts)
            assert all(text.isprintable() for text in (judgement.note, judgement.proposal, *judgement.found))
