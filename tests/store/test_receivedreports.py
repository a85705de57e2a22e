"""Reports of others in server.db: what they say together, and how much of them is kept."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest

from app.store import receiveddmarc, receivedreports, receivedtls
from app.store.serverdb import ServerDb
from app.wire.reports import dmarc, tls
from tests.support.clock import SetClock
from tests.wire.reports.samples import GOOGLE, GOOGLE_TLS, MICROSOFT

DMARC = dmarc.parse(GOOGLE.encode())
OTHER = dmarc.parse(MICROSOFT.encode())
TLS = tls.parse(json.dumps(GOOGLE_TLS).encode())


@pytest.fixture
def clock():
    return SetClock(1795365439.0)


@pytest.fixture
def server(tmp_path, clock):
    made = ServerDb.open(tmp_path, clock)
    yield made
    made.close()


def add(server, report, reporter="google.com"):
    return asyncio.run(server.reports.add_dmarc(report, reporter))


def ask(server, question):
    return asyncio.run(server.reports.read(question))


def test_summary_counts_each_report_once(server):
    assert [add(server, DMARC), add(server, DMARC), add(server, OTHER, "microsoft.com")] == [True, False, True]
    (one,) = ask(server, lambda db: receiveddmarc.summaries(db, 0))
    assert (one.domain, one.reports, one.messages, one.passed, one.failed, one.refused) == (
        *("example.com", 2, 22, 19),
        *(3, 3),
    )
    assert ask(server, lambda db: receiveddmarc.summaries(db, DMARC.end))[0].reports == 1
    assert ask(server, lambda db: receiveddmarc.summaries(db, OTHER.end)) == []


def test_sources_that_fail_come_first_with_who_they_are(server):
    add(server, DMARC)
    add(server, dataclasses.replace(DMARC, report_id="2"))
    first, second = ask(server, lambda db: receiveddmarc.sources(db, 0))
    assert (first.network, first.sender, first.has_passed, first.messages) == (
        *("198.51.100.0/24", "newsletter.example"),
        *(False, 6),
    )
    assert (second.network, second.sender, second.has_passed, second.reporters) == (
        *("192.0.2.0/24", "example.com"),
        *(True, 1),
    )


def test_report_is_read_with_its_rows(server):
    add(server, OTHER, "microsoft.com")
    (listed,) = ask(server, lambda db: receiveddmarc.reports(db, 0))
    assert ask(server, lambda db: receiveddmarc.find(db, listed.id)) == listed
    (row,) = ask(server, lambda db: receiveddmarc.rows_of(db, listed.id))
    assert (row.source, row.count, row.spf_results) == ("2001:db8::25", 7, "none for an unknown domain (mfrom)")
    assert ask(server, lambda db: receiveddmarc.find(db, 999)) is None


def test_tls_reports_are_summed_by_domain_and_by_failure(server):
    for number in ("1", "2"):
        report = dataclasses.replace(TLS, report_id=number)
        assert asyncio.run(server.reports.add_tls(report, report.policies, "google.com"))
    (one,) = ask(server, lambda db: receivedtls.summaries(db, 0))
    assert (one.reports, one.successful, one.failed) == (2, 82, 4)
    (failure,) = ask(server, lambda db: receivedtls.failures(db, 0))
    assert (failure.result, failure.sessions, failure.host) == ("certificate-expired", 4, "mail.example.com")
    (newest, _) = ask(server, lambda db: receivedtls.reports(db, 0))
    (policy,) = ask(server, lambda db: receivedtls.policies_of(db, newest.id))
    assert policy.lines.splitlines()[1] == "mode: enforce"
    assert policy.failures[0].receiving_ip == "192.0.2.25"


def test_reports_are_kept_for_a_year_with_their_rows(server, clock):
    add(server, DMARC)
    clock.time += receivedreports.KEPT_S + 1
    add(server, OTHER)
    assert [one.report_id for one in ask(server, lambda db: receiveddmarc.reports(db, 0))] == ["8a5b1c"]
    assert server.db.read_now(lambda db: db.execute("SELECT count(*) FROM dmarc_row").fetchone()) == (1,)


def test_who_sends_much_drives_out_only_his_own(server, clock, monkeypatch):
    monkeypatch.setattr(receivedreports, "MAX_SIZE", 12)
    add(server, DMARC, "google.com")
    for number in range(20):
        clock.time += 1
        add(server, dataclasses.replace(DMARC, report_id=f"flood {number}"), "evil.example")
    kept = ask(server, lambda db: receiveddmarc.reports(db, 0))
    assert [one.report_id for one in kept if one.reporter == "google.com"] == [DMARC.report_id]
    assert [one.report_id for one in kept if one.reporter == "evil.example"] == ["flood 19", "flood 18", "flood 17"]
