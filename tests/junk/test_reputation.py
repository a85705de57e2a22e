"""What earlier flagged mail says about a sender, as a table of histories."""

from __future__ import annotations

import pytest

from app.junk.providers import is_public_provider
from app.junk.reputation import NOTHING, ByValidation, Method, Past, Sender, Tally, judge
from app.wire.domain import Domain

PROVEN = Sender(address="jane@example.org", domain=Domain("example.org"), is_validated=True)
CLAIMED = Sender(address="jane@example.org", domain=Domain("example.org"), is_validated=False)
AT_PROVIDER = Sender(address="jane@gmail.com", domain=Domain("gmail.com"), is_validated=True)

JUNK = Tally(2, 0, True, 1)
WANTED = Tally(0, 2, False, 1)


def before(validated: Tally = NOTHING, other: Tally = NOTHING) -> ByValidation:
    return ByValidation(validated, other)


CASES = [
    # what is known, of whom, is it junk, for certain, by what
    (Past(), PROVEN, None, False, Method.NONE),
    (Past(address=before(WANTED)), PROVEN, False, True, Method.ADDRESS),
    (Past(address=before(JUNK)), PROVEN, True, True, Method.ADDRESS),
    (Past(address=before(Tally(1, 0, True, 1))), PROVEN, True, True, Method.ADDRESS),
    (Past(address=before(Tally(1, 1, True, 1))), PROVEN, None, False, Method.ADDRESS),
    (Past(address=before(Tally(1, 1, False, 1))), PROVEN, False, True, Method.ADDRESS),
    # What is not validated never decides, and lacking the proof that earlier mail had is a bad sign.
    (Past(address=before(other=WANTED)), CLAIMED, False, False, Method.ADDRESS),
    (Past(address=before(WANTED)), CLAIMED, True, False, Method.ADDRESS),
    (Past(domain=before(WANTED)), CLAIMED, True, False, Method.DOMAIN),
    (Past(wrote_to=frozenset({Method.SENT_TO_ADDRESS})), PROVEN, False, True, Method.SENT_TO_ADDRESS),
    (Past(wrote_to=frozenset({Method.SENT_TO_ADDRESS})), CLAIMED, None, False, Method.NONE),
    (Past(wrote_to=frozenset({Method.SENT_TO_DOMAIN})), PROVEN, False, True, Method.SENT_TO_DOMAIN),
    (Past(wrote_to=frozenset({Method.SENT_TO_DOMAIN})), CLAIMED, None, False, Method.NONE),
    (Past(wrote_to=frozenset({Method.SENT_TO_DOMAIN})), AT_PROVIDER, None, False, Method.NONE),
    (Past(domain=before(WANTED)), AT_PROVIDER, None, False, Method.NONE),
    (Past(address=before(WANTED)), AT_PROVIDER, False, True, Method.ADDRESS),
    (Past(domain=before(Tally(1, 9, False, 4))), PROVEN, False, True, Method.DOMAIN),
    (Past(domain=before(Tally(5, 0, True, 2))), PROVEN, True, False, Method.DOMAIN),
    (Past(domain=before(Tally(5, 0, True, 3))), PROVEN, True, True, Method.DOMAIN),
    (Past(domain=before(Tally(5, 5, True, 3))), PROVEN, None, False, Method.DOMAIN),
    (Past(org_domain=before(WANTED)), PROVEN, False, True, Method.ORG_DOMAIN),
    # Who vouched for the message.
    (Past(signers={"a.example": WANTED}), None, False, True, Method.DKIM_SPF),
    (Past(signers={"a.example": Tally(1, 0, True, 1)}), None, True, False, Method.DKIM_SPF),
    (Past(signers={"a.example": JUNK}), None, True, True, Method.DKIM_SPF),
    (Past(signers={"a.example": JUNK, "b.example": WANTED}), None, None, False, Method.NONE),
    # Networks: the smallest with any mail counts.
    (Past(networks=(JUNK, WANTED, WANTED)), None, True, True, Method.NETWORK1),
    (Past(networks=(Tally(), JUNK, WANTED)), None, True, False, Method.NETWORK2),
    (Past(networks=(Tally(), Tally(), Tally(0, 10))), None, False, True, Method.NETWORK3),
    (Past(networks=(Tally(1, 1, True, 1), WANTED, WANTED)), None, None, False, Method.NETWORK1),
]


@pytest.mark.parametrize(("past", "sender", "is_junk", "is_conclusive", "method"), CASES)
def test_histories(past, sender, is_junk, is_conclusive, method):
    found = judge(past, sender)
    assert (found.is_junk, found.is_conclusive, found.method) == (is_junk, is_conclusive, method)
    assert found.words


def test_an_unvalidated_author_is_never_conclusive_by_what_is_said_of_him():
    for tally in (JUNK, WANTED):
        for name in ("address", "domain", "org_domain"):
            for validated in (True, False):
                history = before(tally, tally) if validated else before(other=tally)
                assert not judge(Past(**{name: history}), CLAIMED).is_conclusive


def test_public_providers():
    assert is_public_provider(Domain("gmail.com"))
    assert not is_public_provider(Domain("example.org"))
