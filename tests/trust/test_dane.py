"""TLSA records against chains of certificates made here."""

from __future__ import annotations

import datetime

import pytest

from app.trust.dane import DaneResult, Names, check, make_record, usable
from app.trust.lookup import Tlsa
from tests.support.authority import Authority

NOW = datetime.datetime.now(datetime.UTC)
NAMES = Names(("mx.example.org", "example.org"), NOW)
LATER = Names(NAMES.hosts, NOW + datetime.timedelta(days=400))
ROOT = Authority("root")
MIDDLE = ROOT.authority("middle")
LEAF = MIDDLE.leaf("mx.example.org").der
CHAIN = [LEAF, MIDDLE.der, ROOT.der]


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize(("usage", "index"), [(3, 0), (2, 1), (2, 2)])
def test_each_kind_of_record_matches(usage: int, index: int, selector: int, matching: int) -> None:
    records = usable([make_record(usage, selector, matching, CHAIN[index])])
    assert check(records, CHAIN, NAMES).result is DaneResult.MATCHED


def test_own_certificate_of_another_name_and_time_is_fine() -> None:
    record = make_record(3, 1, 1, LEAF)
    other = Names(("elsewhere.example",), LATER.now)
    assert check([record], CHAIN, other).result is DaneResult.MATCHED


def test_authority_needs_name_and_time() -> None:
    record = make_record(2, 1, 1, ROOT.der)
    assert check([record], CHAIN, Names(("elsewhere.example",), NOW)).result is DaneResult.WRONG_NAME
    assert check([record], CHAIN, LATER).result is DaneResult.EXPIRED


def test_authority_may_be_for_the_domain_of_the_mail_or_a_wildcard() -> None:
    record = make_record(2, 1, 1, ROOT.der)
    for name in ("example.org", "*.example.org"):
        assert check([record], [ROOT.leaf(name).der, ROOT.der], NAMES).result is DaneResult.MATCHED


def test_authority_that_only_stands_in_the_chain_vouches_for_nothing() -> None:
    other = Authority("other")
    record = make_record(2, 1, 1, ROOT.der)
    chain = [other.leaf("mx.example.org").der, other.der, ROOT.der]
    assert check([record], chain, NAMES).result is DaneResult.BAD_CHAIN


def test_server_certificate_is_no_authority() -> None:
    forger = ROOT.leaf("forger.example")
    chain = [forger.leaf("mx.example.org").der, forger.der, ROOT.der]
    assert check([make_record(2, 1, 1, ROOT.der)], chain, NAMES).result is DaneResult.BAD_CHAIN


def test_whole_authority_in_the_record_need_not_be_sent() -> None:
    assert check([make_record(2, 0, 0, ROOT.der)], [LEAF, MIDDLE.der], NAMES).result is DaneResult.MATCHED


def test_any_record_will_do() -> None:
    records = [make_record(3, 1, 1, ROOT.der), make_record(3, 1, 1, LEAF)]
    assert check(records, CHAIN, NAMES).record == records[1]


def test_other_certificate_does_not_match() -> None:
    assert check([make_record(3, 1, 1, MIDDLE.der)], CHAIN, NAMES).result is DaneResult.NO_MATCH
    assert check([make_record(3, 1, 1, LEAF)], [], NAMES).result is DaneResult.NO_MATCH


@pytest.mark.parametrize(
    "record",
    [Tlsa(0, 1, 1, b"x" * 32), Tlsa(1, 1, 1, b"x" * 32), Tlsa(3, 2, 1, b"x" * 32), Tlsa(3, 1, 3, b"x" * 32),
     Tlsa(3, 1, 1, b"x" * 31), Tlsa(3, 1, 2, b"x" * 32),
     Tlsa(3, 0, 0, b"junk"), Tlsa(2, 1, 0, b"junk"), Tlsa(255, 1, 1, b"")],
)  # fmt: skip
def test_unusable_record(record: Tlsa) -> None:
    assert usable([record]) == ()


def test_junk_instead_of_certificates_is_no_match() -> None:
    for record in (make_record(3, 1, 1, LEAF), make_record(2, 0, 1, b"junk"), make_record(2, 1, 1, ROOT.der)):
        assert check([record], [b"junk", b""], NAMES).result is not DaneResult.MATCHED
