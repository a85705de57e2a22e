"""Evaluations for DMARC reports: folded by hour, bounded, in periods that begin at midnight."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress

import pytest

from app.store import evaluations
from app.store.evaluations import Evaluation, Period
from app.store.serverdb import ServerDb
from app.wire.domain import Domain
from app.wire.reports.dmarc import AuthResult, Disposition, DmarcRow, PublishedPolicy
from tests.support.clock import SetClock

MIDNIGHT = 1795392000  # 2026-11-23
MORNING = MIDNIGHT + 90.0
HOUR = 3600
ROW = DmarcRow(
    source=ipaddress.ip_address("2001:db8::1"),
    count=1,
    disposition=Disposition.REJECT,
    dkim=False,
    spf=False,
    header_from="sender.example",
    reasons=("local_policy: why",),
    dkim_results=(AuthResult(domain="a.example", result="fail", selector="s"),),
    spf_results=(AuthResult(domain="b.example", result="softfail", scope="mfrom"),),
)
POLICY = PublishedPolicy(domain=Domain("sender.example"), policy="reject", percentage=100)
ONE = Evaluation(policy=POLICY, row=ROW)
OTHER = dataclasses.replace(ONE, row=dataclasses.replace(ROW, dkim=True, disposition=Disposition.NONE))


@pytest.fixture
def clock():
    return SetClock(MORNING)


@pytest.fixture
def server(tmp_path, clock):
    made = ServerDb.open(tmp_path, clock)
    yield made
    made.close()


def keep(server, *found):
    async def work():
        for one in found:
            server.evaluations.record(one)
        await server.evaluations.flush()

    asyncio.run(work())


def test_equal_ones_are_one_row_with_a_count_also_over_hours(server, clock):
    keep(server, ONE, ONE, OTHER)
    clock.time += HOUR
    keep(server, ONE)
    (period,) = asyncio.run(server.evaluations.periods())
    assert period == Period(domain=POLICY.domain, begin=MIDNIGHT, end=MIDNIGHT + 24 * HOUR, messages=4)
    policy, rows = asyncio.run(server.evaluations.rows(period))
    assert policy == POLICY
    assert rows == [dataclasses.replace(ROW, count=3), OTHER.row]


def test_periods_are_of_the_interval_that_was_asked_for_and_end_oldest_first(server, clock):
    keep(server, ONE)
    clock.time += 5 * HOUR
    keep(server, dataclasses.replace(ONE, interval_h=4, is_optional=True))
    found = asyncio.run(server.evaluations.periods())
    assert [(one.begin - MIDNIGHT, one.end - MIDNIGHT, one.is_optional) for one in found] == [
        (4 * HOUR, 8 * HOUR, True),
        (0, 24 * HOUR, False),
    ]
    asyncio.run(server.evaluations.remove(found[0]))
    assert asyncio.run(server.evaluations.periods()) == [found[1]]


def test_what_nobody_could_be_told_for_two_days_is_dropped(server, clock):
    keep(server, ONE)
    clock.time += 50 * HOUR
    assert asyncio.run(server.evaluations.periods()) == []


def test_a_domain_cannot_fill_the_table(server, monkeypatch):
    monkeypatch.setattr(evaluations, "MAX_ROWS", 2)
    many = [dataclasses.replace(ONE, row=dataclasses.replace(ROW, header_from=f"{i}.example")) for i in range(4)]
    keep(server, *many, many[0])
    (period,) = asyncio.run(server.evaluations.periods())
    assert period.messages == 3
    elsewhere = dataclasses.replace(ONE, policy=dataclasses.replace(POLICY, domain=Domain("other.example")))
    keep(server, elsewhere)
    assert len(asyncio.run(server.evaluations.periods())) == 2


def test_what_came_before_the_end_is_there_after_it(tmp_path, clock):
    async def record(server):
        server.evaluations.record(ONE)

    first = ServerDb.open(tmp_path, clock)
    asyncio.run(record(first))
    first.close()
    again = ServerDb.open(tmp_path, clock)
    (found,) = asyncio.run(again.evaluations.domains(10))
    assert (found.domain, found.messages, found.passed, found.refused) == ("sender.example", 1, 0, 1)
    assert asyncio.run(again.evaluations.of_domain("sender.example", 10)) == [ROW]
    assert asyncio.run(again.evaluations.remove_domain("sender.example")) == 1
    assert asyncio.run(again.evaluations.domains(10)) == []
    again.close()
