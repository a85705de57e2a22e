"""Verdicts of DMARC against records in a closed DNS."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.trust.dkim.result import SignatureResult, Status
from app.trust.dmarc.authors import read_authors
from app.trust.dmarc.discovery import MAX_STEPS, Tree, walk
from app.trust.dmarc.evaluate import DmarcResult, Proved, check_dmarc
from app.trust.dmarc.record import parse_record
from app.trust.dmarc.reporting import Consent, check_destination
from app.wire.domain import Domain
from tests.trust.records import Records


def dns(**texts: str | None) -> Records:
    """Records at _dmarc of names, written with __ for dots."""
    return Records(
        {f"_dmarc.{name.replace('__', '.')}": None if text is None else [text.encode()] for name, text in texts.items()}
    )


def signed(domain: str, status: Status = Status.PASS) -> SignatureResult:
    return SignatureResult(status=status, reason="", domain=Domain(domain))


def check(
    resolver: Records, author: str, spf: str = "", dkim: str = "", sample: float = 0, **more: object
) -> DmarcResult:
    proved = Proved(
        spf_domain=Domain(spf) if spf else None,
        spf_passed=bool(spf) and not more.get("unsure"),
        spf_is_unsure=bool(more.get("unsure")),
        signatures=[signed(dkim, more.get("status", Status.PASS))] if dkim else [],  # type: ignore[arg-type]
    )
    return asyncio.run(check_dmarc(resolver, read_authors(f"From: {author}\r\n".encode()), proved, sample=sample))


def verdict(resolver: Records, author: str, **more: object) -> tuple[str, str]:
    found = check(resolver, author, **more)  # type: ignore[arg-type]
    assert found.words
    return found.status.value, found.applied.value


REJECT = "v=DMARC1; p=reject"


@pytest.mark.parametrize(
    ("record", "spf", "dkim", "expected"),
    [
        (REJECT, "example.org", "", "pass"),
        (REJECT, "", "example.org", "pass"),
        (REJECT, "bounce.example.org", "", "pass"),
        (REJECT, "", "news.example.org", "pass"),
        (REJECT, "example.com", "", "fail"),
        (REJECT, "", "example.com", "fail"),
        (REJECT, "", "org", "fail"),
        (REJECT, "notexample.org", "", "fail"),
        (REJECT, "", "", "fail"),
        (REJECT + "; aspf=s", "bounce.example.org", "", "fail"),
        (REJECT + "; adkim=s", "", "news.example.org", "fail"),
        (REJECT + "; adkim=s; aspf=s", "example.org", "news.example.org", "pass"),
    ],
)
def test_alignment(record, spf, dkim, expected):
    assert verdict(dns(example__org=record), "a@example.org", spf=spf, dkim=dkim)[0] == expected


@pytest.mark.parametrize(
    ("record", "sample", "applied"),
    [
        ("v=DMARC1; p=none", 0, "none"),
        ("v=DMARC1; p=quarantine", 0, "quarantine"),
        (REJECT, 0, "reject"),
        (REJECT + "; pct=50", 49.9, "reject"),
        (REJECT + "; pct=50", 50, "quarantine"),
        ("v=DMARC1; p=quarantine; pct=0", 0, "none"),
        (REJECT + "; t=y", 0, "quarantine"),
    ],
)
def test_what_is_to_be_done(record, sample, applied):
    assert verdict(dns(example__org=record), "a@example.org", sample=sample) == ("fail", applied)


def test_policies_for_names_below():
    resolver = dns(example__org="v=DMARC1; p=none; sp=quarantine; np=reject")
    resolver.existing.add("mail.example.org")
    assert verdict(resolver, "a@example.org") == ("fail", "none")
    assert verdict(resolver, "a@mail.example.org") == ("fail", "quarantine")
    assert verdict(resolver, "a@nothing.example.org") == ("fail", "reject")


def test_no_record_a_bad_one_two_of_them_and_no_answer():
    assert verdict(dns(), "a@example.org", spf="example.org") == ("none", "none")
    assert verdict(dns(example__org="v=DMARC1; p=all"), "a@example.org") == ("permerror", "none")
    assert verdict(dns(example__org=None), "a@example.org", spf="example.org") == ("temperror", "none")
    two = Records({"_dmarc.example.org": [REJECT.encode(), b"v=DMARC1; p=none"]})
    assert verdict(two, "a@example.org") == ("permerror", "none")
    other = Records({"_dmarc.example.org": [b"v=spf1 -all", REJECT.encode()]})
    assert verdict(other, "a@example.org") == ("fail", "reject")


def test_what_cannot_be_told_now_is_not_refused():
    resolver = dns(example__org=REJECT)
    assert verdict(resolver, "a@example.org", spf="example.org", unsure=True) == ("temperror", "none")
    assert verdict(resolver, "a@example.org", dkim="example.org", status=Status.TEMPERROR) == ("temperror", "none")
    assert verdict(resolver, "a@example.org", dkim="example.com", status=Status.TEMPERROR) == ("fail", "reject")
    assert verdict(resolver, "a@example.org", dkim="example.org", status=Status.POLICY) == ("fail", "reject")


@pytest.mark.parametrize(
    "author",
    [
        "a@example.org, b@example.com",
        "b@example.com <a@example.org>",
        "x: a@example.org;",
        "a@example.org\r\nFrom: a@example.org",
    ],
)
def test_an_author_in_doubt_never_passes_and_the_strictest_policy_counts(author):
    resolver = dns(example__org="v=DMARC1; p=none", example__com=REJECT)
    found = check(resolver, author, spf="example.org", dkim="example.com")
    assert found.status.value == "fail"
    assert found.applied.value == ("reject" if "example.com" in author else "none")


def test_no_author_and_too_many():
    assert verdict(dns(), "nobody") == ("permerror", "none")
    assert verdict(dns(), "a@example.org, b@example.com") == ("permerror", "none")
    assert verdict(dns(), ", ".join(f"a@d{n}.example" for n in range(9))) == ("fail", "reject")


def test_a_private_suffix_keeps_its_customers_apart():
    resolver = dns(github__io=REJECT)
    assert verdict(resolver, "a@one.github.io", dkim="two.github.io") == ("fail", "reject")
    assert verdict(resolver, "a@one.github.io", dkim="github.io") == ("fail", "reject")


def test_the_tree_walk_finds_records_between():
    resolver = dns(dept__example__org=REJECT)
    assert verdict(resolver, "a@x.dept.example.org") == ("fail", "reject")
    assert check(resolver, "a@x.dept.example.org").record_domain == Domain("dept.example.org")


def test_a_suffix_that_does_not_answer_holds_nobody_up():
    assert verdict(dns(org=None), "a@x.example.org") == ("none", "none")
    assert verdict(dns(org=None, example__org=REJECT), "a@x.example.org") == ("fail", "reject")


def test_psd_n_makes_an_organisation():
    resolver = dns(dept__example__org=REJECT + "; psd=n", example__org="v=DMARC1; p=none")
    assert verdict(resolver, "a@x.dept.example.org", dkim="example.org") == ("fail", "reject")
    assert verdict(resolver, "a@x.dept.example.org", dkim="y.dept.example.org")[0] == "pass"


def test_psd_y_separates_what_is_below():
    resolver = dns(example__org=REJECT + "; psd=y")
    assert verdict(resolver, "a@one.example.org", dkim="two.example.org") == ("fail", "reject")
    assert verdict(resolver, "a@mail.one.example.org", dkim="one.example.org")[0] == "pass"
    assert check(resolver, "a@mail.one.example.org").org_domain == Domain("one.example.org")


def test_the_walk_is_short_for_long_names():
    long = Domain(".".join("abcdefghijklmnop") + ".example.org")
    assert len(walk(long)) == MAX_STEPS
    assert walk(long)[1].ascii == "l.m.n.o.p.example.org"
    assert [one.ascii for one in walk(Domain("a.b.c"))] == ["a.b.c", "b.c", "c"]


def test_nothing_is_asked_twice():
    resolver = dns(example__org=REJECT)
    check(resolver, "a@mail.example.org", spf="bounce.example.org", dkim="news.example.org")
    assert len(resolver.asked) == len(set(resolver.asked))


def test_authentic_is_passed_on():
    resolver = dns(example__org=REJECT)
    resolver.authentic = True
    assert check(resolver, "a@example.org").is_authentic


@pytest.mark.parametrize(
    ("address", "texts", "consent"),
    [
        ("r@sub.example.org", {}, Consent.OWN),
        ("r@example.com", {}, Consent.REFUSED),
        ("r@example.com", {"example.org._report._dmarc.example.com": [b"v=DMARC1"]}, Consent.GIVEN),
        ("r@example.com", {"example.org._report._dmarc.example.com": [b"yes"]}, Consent.REFUSED),
        ("r@example.com", {"example.org._report._dmarc.example.com": None}, Consent.UNKNOWN),
    ],
)
def test_consent_to_reports(address, texts, consent):
    uri = parse_record(f"v=DMARC1; p=none; rua=mailto:{address}".encode()).aggregate[0]
    found = asyncio.run(check_destination(Records(texts), Domain("example.org"), uri))
    assert found.consent is consent
    assert found.may_send is (consent in (Consent.OWN, Consent.GIVEN))


def test_consent_may_name_another_address_of_the_same_domain():
    text = b"v=DMARC1; rua=mailto:all@example.com,mailto:x@victim.example"
    uri = parse_record(b"v=DMARC1; p=none; rua=mailto:r@example.com").aggregate[0]
    resolver = Records({"example.org._report._dmarc.example.com": [text]})
    found = asyncio.run(check_destination(resolver, Domain("example.org"), uri))
    assert [str(one.address) for one in found.instead] == ["all@example.com"]


NAMES = st.sampled_from(["example.org", "a.example.org", "b.a.example.org", "org", "one.github.io", "github.io"])
TEXTS = st.sampled_from(
    [REJECT, REJECT + "; psd=y", REJECT + "; psd=n", "v=DMARC1; p=none", "v=DMARC1", "v=DMARC1; p=quarantine; sp=none"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, TEXTS), NAMES, NAMES, NAMES)
def test_no_name_passes_for_another_organisation(records, author, spf, dkim):
    resolver = Records({f"_dmarc.{name}": [text.encode()] for name, text in records.items()})
    found = check(resolver, f"a@{author}", spf=spf, dkim=dkim)
    assert len(resolver.asked) <= 3 * MAX_STEPS
    if found.has_passed:
        org = asyncio.run(Tree(resolver).organisation(Domain(author)))
        same = [one for one in (spf, dkim) if asyncio.run(Tree(resolver).organisation(Domain(one))) == org]
        assert author in (spf, dkim) or same
