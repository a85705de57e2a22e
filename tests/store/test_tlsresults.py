"""How connections fared with TLS: folded by day and policy, and bounded."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress

from app.store import tlsresults
from app.store.serverdb import ServerDb
from app.store.tlsresults import DAY_S, DayOfDomain, TlsResult
from app.wire.domain import Domain
from app.wire.reports.tls import TlsFailure
from tests.store.test_evaluations import MIDNIGHT, MORNING
from tests.support.clock import SetClock

FAILURE = TlsFailure(
    result="certificate-expired",
    sessions=1,
    sending_ip=ipaddress.ip_address("192.0.2.1"),
    receiving_host="mx.there.example",
    receiving_ip=ipaddress.ip_address("2001:db8::25"),
    code="X509_V_ERR_CERT_HAS_EXPIRED",
)
GOOD = TlsResult(
    domain=Domain("there.example"), kind="sts", lines=("version: STSv1", "mode: enforce"), hosts=("*.there.example",)
)
BAD = dataclasses.replace(GOOD, failure=FAILURE)


def keep(server: ServerDb, *found: TlsResult) -> None:
    async def work() -> None:
        for one in found:
            server.tls_results.record(one)
        await server.tls_results.flush()

    asyncio.run(work())


def test_equal_results_of_a_day_are_counted_by_policy(tmp_path):
    clock = SetClock(MORNING)
    server = ServerDb.open(tmp_path, clock)
    host = dataclasses.replace(GOOD, domain=Domain("mx.there.example"), kind="tlsa", is_host=True)
    keep(server, host, GOOD, GOOD, BAD, BAD, BAD, dataclasses.replace(GOOD, kind="no-policy-found", lines=(), hosts=()))
    clock.time += 3600
    keep(server, BAD)
    first, second = asyncio.run(server.tls_results.days())
    assert (first.domain, first.day, first.successful, first.failed) == (GOOD.domain, MIDNIGHT, 3, 4)
    assert (first.has_reason, first.is_optional, first.is_host) == (True, False, False)
    assert (second.is_host, second.has_reason) == (True, False)
    none, sts = asyncio.run(server.tls_results.policies(first))
    assert (none.kind, none.successful, none.failed) == ("no-policy-found", 1, 0)
    assert (sts.lines, sts.hosts, sts.successful, sts.failed) == (GOOD.lines, GOOD.hosts, 2, 4)
    assert sts.failures == (dataclasses.replace(FAILURE, sessions=4),)
    asyncio.run(server.tls_results.remove(first))
    assert asyncio.run(server.tls_results.days()) == [second]
    server.close()


def test_of_another_day_and_what_only_carried_reports(tmp_path):
    clock = SetClock(MORNING)
    server = ServerDb.open(tmp_path, clock)
    keep(server, dataclasses.replace(BAD, is_optional=True))
    clock.time += DAY_S
    keep(server, GOOD)
    old, new = asyncio.run(server.tls_results.days("there.example"))
    assert (old.has_reason, old.is_optional, new.day) == (False, True, MIDNIGHT + DAY_S)
    clock.time += 2 * DAY_S
    assert [one.day for one in asyncio.run(server.tls_results.days())] == [new.day]
    assert asyncio.run(server.tls_results.remove_domain("there.example")) == 1
    server.close()


def test_a_domain_cannot_fill_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tlsresults, "MAX_ROWS", 2)
    server = ServerDb.open(tmp_path, SetClock(MORNING))
    many = [
        dataclasses.replace(BAD, failure=dataclasses.replace(FAILURE, receiving_host=f"{i}.example")) for i in range(5)
    ]
    keep(server, *many, many[0])
    (day,) = asyncio.run(server.tls_results.days())
    assert day == DayOfDomain(domain=BAD.domain, day=MIDNIGHT, failed=day.failed, has_reason=True)
    assert day.failed <= 3
    server.close()
