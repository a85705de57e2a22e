"""The decisions of the queue one by one: how replies are read, who shares a transaction, which servers, who is told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Collection

import pytest

from app.queue.gather import gather
from app.queue.hosts import Hosts, find_hosts
from app.queue.notices import wants_delay, wants_failure
from app.queue.outcome import Outcome, Result, deferred, failed, of_reply
from app.queue.specials import special_outcome
from app.store.queuerecords import Ending, Queued, Report
from app.trust.lookup import Answer, Mx
from app.wire.smtp.address import NULL_PATH, parse_address
from app.wire.smtp.reply import reply


def row(number: int = 1, to: str = "x@a.example", **changes: object) -> Queued:
    plain = Queued(
        id=number, base_id=1, sender_account="jane", reverse_path=parse_address("jane@example.org"),
        recipient=parse_address(to), from_id="", queued=0.0, hold=False, fail_now=False, attempts=1, max_attempts=0,
        next_attempt=0.0, last_attempt=0.0, size_bytes=1, message_id="", subject="", has_8bit=False, smtputf8=False,
        is_dsn=False, report=Report.NONE, require_tls=None, transport="", notify="", orcpt="", ret="", envid="",
        future_release="", extra={},
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "enhanced", "ending", "told"),
    [
        (250, "2.0.0", Ending.DELIVERED, "2.0.0"),
        (250, "", Ending.DELIVERED, "2.0.0"),
        (550, "", Ending.FAILED, "5.1.1"),
        (550, "5.7.1", Ending.FAILED, "5.7.1"),
        (552, "", Ending.FAILED, "5.2.2"),
        (599, "", Ending.FAILED, "5.0.0"),
        (421, "", Ending.DEFERRED, "4.3.2"),
        (450, "4.7.1", Ending.DEFERRED, "4.7.1"),
    ],
)
def test_replies_are_read(code, enhanced, ending, told):
    outcome = of_reply(reply(code, enhanced, "text"), "mx", "192.0.2.1")
    assert (outcome.ending, outcome.code) == (ending, told)
    assert bool(outcome.error) is (ending is not Ending.DELIVERED)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({}, True),
        ({"to": "y@a.example"}, True),
        ({"to": "y@b.example"}, False),
        ({"base_id": 2}, False),
        ({"reverse_path": NULL_PATH}, False),
        ({"transport": "relay"}, False),
        ({"require_tls": True}, False),
        ({"attempts": 2}, False),
        ({"fail_now": True}, False),
    ],
)
def test_who_shares_a_transaction(other, shared):
    assert (len(gather([row(), row(2, **other)])) == 1) is shared


class OneAnswer:
    """A resolver that knows one MX answer."""

    def __init__(self, *records: Mx, exists: bool = True) -> None:
        self.answer = Answer(records, "a.example", exists=exists)

    async def mx(self, name: str) -> Answer[Mx]:
        return self.answer


def hosts(*records: Mx, own: Collection[str] = (), exists: bool = True) -> Hosts | Outcome:
    return asyncio.run(find_hosts(OneAnswer(*records, exists=exists), "a.example", own))  # type: ignore[arg-type]


def test_hosts_by_preference_and_at_random_among_equals():
    records = (Mx(20, "c"), Mx(10, "a"), Mx(10, "b"))
    seen = {hosts(*records).names for _ in range(50)}  # type: ignore[union-attr]
    assert seen == {("a", "b", "c"), ("b", "a", "c")}


@pytest.mark.parametrize(
    ("records", "own", "exists", "expected"),
    [
        ((), (), True, ("a.example",)),
        ((), ("a.example",), True, "5.4.6"),
        ((), (), False, "5.1.2"),
        ((Mx(0, ""),), (), True, "5.1.10"),
        ((Mx(0, ""), Mx(5, "m")), (), True, ("m",)),
        ((Mx(5, "m"), Mx(10, "us"), Mx(20, "n")), ("us",), True, ("m",)),
        ((Mx(10, "m"), Mx(10, "us")), ("us",), True, "5.4.6"),
    ],
)
def test_hosts(records, own, exists, expected):
    found = hosts(*records, own=own, exists=exists)
    assert (found.names if isinstance(found, Hosts) else found.code) == expected


@pytest.mark.parametrize(
    ("localpart", "code"),
    [
        ("queue550", "5.0.0"),
        ("queuetemperror", "4.0.0"),
        ("queue-permerror", "5.0.0"),
        ("queuetimeout", "4.4.2"),
        ("queue", None),
        ("550", None),
        ("queue399", None),
        ("aqueue550", None),
    ],
)
def test_special_localparts(localpart, code):
    special = special_outcome(row(to=f"{localpart}@a.example"))
    assert (special.code if special else None) == code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (True, False)),
        ({"attempts": 5}, (True, True)),
        ({"attempts": 5, "max_attempts": 5}, (True, False)),
        ({"attempts": 5, "notify": "FAILURE"}, (True, False)),
        ({"attempts": 5, "notify": "SUCCESS,DELAY"}, (False, True)),
        ({"attempts": 5, "notify": "NEVER"}, (False, False)),
        ({"attempts": 5, "reverse_path": NULL_PATH}, (False, False)),
        ({"attempts": 5, "is_dsn": True}, (False, False)),
        ({"attempts": 5, "report": Report.TLS}, (False, False)),
    ],
)
def test_who_is_told(changes, expected):
    one = row(**changes)
    told = (wants_failure(Result(one, failed("5.0.0", "x"))), wants_delay(Result(one, deferred("4.0.0", "x"))))
    assert told == expected
