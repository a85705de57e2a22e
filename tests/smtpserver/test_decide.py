"""The verdict as a table: for each rule the cases in which it decides, and those in which it must not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.junk.classifier import Samples
from app.junk.reputation import UNKNOWN, Method, Reputation
from app.smtpserver.decide import decide
from app.smtpserver.verdict import Ask, Case, Content, Settings, Verdict, Wish

GOOD = Reputation(is_junk=False, is_conclusive=True, method=Method.ADDRESS, words="known")
BAD = Reputation(is_junk=True, is_conclusive=True, method=Method.DOMAIN, words="known as junk")
DUBIOUS = Reputation(is_junk=True, is_conclusive=False, method=Method.NETWORK1, words="a bad network")
MIXED = Reputation(is_junk=None, is_conclusive=False, method=Method.DOMAIN, words="both")
SPOOFED = Reputation(is_junk=True, is_conclusive=False, method=Method.ADDRESS, words="not as before")
JUNK = Content(probability=0.99, is_significant=True)
MILD = Content(probability=0.5, is_significant=True)
YOUNG = Content(probability=0.99, is_significant=True, samples=Samples(wanted=200, junk=200))
CLEAN = Content(probability=0.01, is_significant=True)
UNSURE = Content(probability=0.99, is_significant=False)
LISTED = ("bl.example: spam source",)


def case(*, on: dict[str, Any] | None = None, **facts: Any) -> Case:
    """A message of which everything was asked and nothing is remarkable; `on` are the recipient's settings."""
    asked = {"reputation": UNKNOWN, "content": CLEAN, "listed": ()}
    return Case(settings=Settings(**({"threshold": 0.95} | (on or {}))), **(asked | facts))


TAKEN = [
    # reason, case
    ("no-bad-signals", case()),
    ("no-bad-signals", case(content=YOUNG)),
    ("list-allow", case(on={"is_list": True}, wish=Wish.REJECT, content=JUNK, reputation=BAD)),
    ("msgfromfull", case(reputation=GOOD, content=JUNK, listed=LISTED, spf_fails=True, has_reverse_name=False)),
    ("dmarc-policy", case(on={"junk_mailbox": "Junk"}, wish=Wish.QUARANTINE)),
    ("msgfromfull", case(wish=Wish.UNKNOWN, reputation=GOOD)),
    ("no-bad-signals", case(on={"is_forward": True}, wish=Wish.REJECT)),
    ("no-bad-signals", case(on={"is_forward": True}, spf_fails=True)),
    ("no-bad-signals", case(on={"is_forward": True}, has_reverse_name=False, content=MILD)),
    ("no-bad-signals", case(on={"auth_required": "no"}, is_validated=True)),
    ("reporting", case(on={"is_report": True}, content=JUNK, listed=LISTED)),
    ("no-bad-signals", case(spf_fails=True, reputation=MIXED)),
    ("no-bad-signals", case(has_reverse_name=False)),
    ("subjectpass", case(has_pass=True, content=JUNK, listed=LISTED)),
    ("no-bad-signals", case(content=UNSURE)),
    ("no-bad-signals", case(content=MILD)),
    ("no-bad-signals", case(on={"threshold": None}, content=None)),
]

REFUSED = [
    # reason, code, case
    ("dmarc-policy", 550, case(wish=Wish.REJECT, reputation=GOOD)),
    ("dmarc-policy", 550, case(wish=Wish.QUARANTINE)),
    ("dmarc-policy", 550, case(wish=Wish.REJECT, on={"junk_mailbox": "Junk"})),
    ("dmarc-policy", 451, case(wish=Wish.UNKNOWN)),
    ("msg-auth-required", 550, case(on={"auth_required": "sign it"})),
    ("msg-auth-required", 451, case(on={"auth_required": "sign it"}, is_unsure=True)),
    ("msgfromdomain", 451, case(reputation=BAD, has_pass=True)),
    ("msgfromdomain", 451, case(reputation=BAD, on={"is_report": True})),
    ("spf-policy", 451, case(spf_fails=True)),
    ("spf-policy", 451, case(spf_fails=True, has_pass=True)),
    ("iprev", 451, case(has_reverse_name=False, reputation=DUBIOUS)),
    ("junk-content", 451, case(content=JUNK)),
    ("junk-content-strict", 451, case(content=YOUNG, has_tls=False)),
    ("junk-content-strict", 451, case(content=MILD, has_tls=False)),
    ("junk-content-strict", 451, case(content=MILD, is_addressed=False)),
    ("junk-content-strict", 451, case(content=MILD, has_reverse_name=False)),
    ("junk-content-strict", 451, case(content=MILD, reputation=SPOOFED)),
    ("junk-content-strict", 451, case(content=UNSURE, has_reverse_name=False)),
    ("junk-content", 451, case(content=Content(probability=0.93, is_significant=True), jitter=-0.5)),
    ("dns-blocklisted", 451, case(listed=LISTED)),
    ("dns-blocklisted", 451, case(listed=LISTED, on={"gives_passes": True})),
    ("give-subjectpass", 550, case(listed=LISTED, on={"gives_passes": True}, passes_dmarc=True)),
    ("give-subjectpass", 550, case(content=MILD, has_tls=False, on={"gives_passes": True}, passes_dmarc=True)),
    ("junk-content", 451, case(content=JUNK, on={"gives_passes": True}, passes_dmarc=True)),
    (
        "dns-blocklisted",
        451,
        case(listed=LISTED, on={"gives_passes": True}, passes_dmarc=True, reputation=DUBIOUS),
    ),
]


def verdict(one: Case) -> Verdict:
    found = decide(one)
    assert isinstance(found, Verdict)
    return found


@pytest.mark.parametrize(("reason", "one"), TAKEN)
def test_taken(reason: str, one: Case):
    found = verdict(one)
    assert (found.reason, found.reply) == (reason, None)
    assert found.words
    assert found.mailbox


@pytest.mark.parametrize(("reason", "code", "one"), REFUSED)
def test_refused(reason: str, code: int, one: Case):
    found = verdict(one)
    assert found.reply is not None
    assert (found.reason, found.reply.code, found.is_reject) == (reason, code, True)
    assert found.words
    assert found.remedy


def test_what_costs_is_asked_for_only_when_it_matters():
    assert decide(Case()) is Ask.REPUTATION
    assert decide(Case(settings=Settings(threshold=0.9), reputation=UNKNOWN)) is Ask.CONTENT
    assert decide(Case(reputation=UNKNOWN)) is Ask.BLOCK_LISTS
    assert isinstance(decide(Case(reputation=GOOD)), Verdict)
    assert isinstance(decide(Case(wish=Wish.REJECT)), Verdict)
    assert isinstance(decide(Case(settings=Settings(threshold=0.9), reputation=UNKNOWN, content=JUNK)), Verdict)


def test_a_token_goes_only_with_its_own_reason():
    found = verdict(case(listed=LISTED, on={"gives_passes": True}, passes_dmarc=True))
    assert found.gives_pass
    assert not verdict(case(listed=LISTED)).gives_pass


def test_quarantine_goes_to_the_junk_mailbox_where_that_is_chosen():
    assert verdict(case(on={"junk_mailbox": "Junk"}, wish=Wish.QUARANTINE)).mailbox == "Junk"


@pytest.mark.parametrize(
    ("reputation", "settings", "mailbox"),
    [
        (UNKNOWN, {}, "First"),
        (MIXED, {}, "First"),
        (GOOD, {}, "Inbox"),
        (UNKNOWN, {"mailbox": "Lists"}, "Lists"),
        (UNKNOWN, {"is_forward": True}, "Inbox"),
        (UNKNOWN, {"is_report": True}, "Inbox"),
        (UNKNOWN, {"is_list": True}, "Inbox"),
    ],
)
def test_first_contacts_go_to_the_introbox(reputation, settings, mailbox):
    assert verdict(case(on={"introbox": "First"} | settings, reputation=reputation)).mailbox == mailbox


def test_a_rule_takes_what_would_be_refused():
    found = verdict(case(on={"rejects_to": "Forwarded"}, content=JUNK))
    assert (found.reply, found.mailbox, found.is_reject, found.reason) == (None, "Forwarded", True, "junk-content")


def test_first_contacts_wait_and_others_do_not():
    assert verdict(case()).is_delayed
    assert not verdict(case(on={"delays_first_time": False})).is_delayed
    assert not verdict(case(on={"is_forward": True})).is_delayed
    assert not verdict(case(reputation=GOOD)).is_delayed


REPUTATIONS = st.sampled_from([UNKNOWN, GOOD, BAD, DUBIOUS, MIXED, SPOOFED])
ANY_CASE = st.builds(
    Case,
    settings=st.builds(
        Settings,
        junk_mailbox=st.sampled_from(["", "Junk"]),
        introbox=st.sampled_from(["", "First"]),
        rejects_to=st.sampled_from(["", "Kept"]),
        auth_required=st.sampled_from(["", "sign it"]),
        threshold=st.one_of(st.none(), st.floats(0, 1)),
        gives_passes=st.booleans(),
        is_list=st.booleans(),
        is_forward=st.booleans(),
        is_report=st.booleans(),
    ),
    is_validated=st.booleans(),
    is_unsure=st.booleans(),
    passes_dmarc=st.booleans(),
    wish=st.sampled_from(Wish),
    spf_fails=st.booleans(),
    has_reverse_name=st.booleans(),
    has_tls=st.booleans(),
    is_addressed=st.booleans(),
    has_pass=st.booleans(),
    jitter=st.floats(-0.5, 0.5),
    reputation=REPUTATIONS,
    content=st.one_of(st.none(), st.builds(Content, probability=st.floats(0, 1), is_significant=st.booleans())),
    listed=st.sampled_from([(), LISTED]),
)


@given(ANY_CASE)
def test_every_case_has_one_verdict(one: Case):
    found = decide(one)
    if found is Ask.CONTENT:
        assert one.content is None
        assert one.settings.threshold is not None
        return
    assert isinstance(found, Verdict)
    assert bool(found.mailbox) == (found.reply is None)
    assert not found.gives_pass or found.reply is not None
    assert found.reply is None or found.is_reject


@given(ANY_CASE)
def test_who_is_known_for_certain_is_hurt_by_nothing_but_policy(one: Case):
    found = decide(dataclasses.replace(one, reputation=GOOD))
    assert isinstance(found, Verdict)
    assert found.reply is None or found.reason in {"dmarc-policy", "msg-auth-required"}
