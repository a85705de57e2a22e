"""DMARC reports that we send: read back by the reader of those that others send, once each, only where they may go."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Temporary
from app.reports import schedule
from app.reports.schedule import Schedule, dmarc_round
from app.store.evaluations import Evaluation, Period
from app.store.queuerecords import Report
from app.store.reportsuppression import Kind
from app.wire.domain import Domain
from app.wire.message.part import parse_message
from app.wire.reports import attached, dmarc, dmarcwriting
from app.wire.reports.dmarc import AuthResult, Disposition, DmarcReport, DmarcRow, PublishedPolicy
from app.wire.smtp.address import parse_address
from tests.reports.conftest import DAY, MIDNIGHT, Office
from tests.support.measuring import moves

ROW = DmarcRow(
    source=ipaddress.ip_address("192.0.2.1"),
    count=1,
    disposition=Disposition.NONE,
    dkim=False,
    spf=True,
    header_from="sender.example",
    envelope_from="sender.example",
    envelope_to="example.com",
    dkim_results=(AuthResult(domain="sender.example", result="fail", selector="s1"),),
    spf_results=(AuthResult(domain="sender.example", result="pass", scope="mfrom"),),
)
POLICY = PublishedPolicy(
    domain=Domain("sender.example"),
    policy="reject",
    subdomain_policy="none",
    dkim_alignment="r",
    spf_alignment="s",
    percentage=100,
)
ONE = Evaluation(policy=POLICY, row=ROW)


def came(office: Office, *found: Evaluation) -> None:
    async def work() -> None:
        for one in found:
            office.server.evaluations.record(one)
        await office.server.evaluations.flush()

    asyncio.run(work())


def send(office: Office) -> None:
    asyncio.run(dmarc_round(office.setup))


def the_next_day(office: Office) -> None:
    office.clock.time = MIDNIGHT + DAY + 60
    send(office)


def asks(office: Office, rua: str, domain: str = "sender.example") -> None:
    office.txt(f"_dmarc.{domain}", f"v=DMARC1; p=reject; rua={rua}")


def recipients(office: Office) -> list[str]:
    return sorted(str(row.recipient) for row in office.waiting())


def test_report_is_what_our_own_reader_expects(office):
    asks(office, "mailto:reports@sender.example")
    came(office, ONE, ONE)
    send(office)
    assert office.waiting() == []  # the day has not ended
    with moves("mox_dmarcdb_report_queued_total", by=1):
        the_next_day(office)
    (row,) = office.waiting()
    assert (row.report, row.max_attempts, row.sender_account) == (Report.DMARC, 5, "")
    assert str(row.reverse_path) == "postmaster@mail.example.com"
    data = office.bytes_of(row)
    found = dmarc.parse(attached.find_report(data, parse_message(data), attached.DMARC))
    assert (found.begin, found.end, found.organisation) == (MIDNIGHT, MIDNIGHT + DAY - 1, "mail.example.com")
    assert (found.policy, found.rows) == (POLICY, (dataclasses.replace(ROW, count=2),))
    mail = office.mail(row)
    assert " ".join(mail["Subject"].split()).startswith(
        "Report Domain: sender.example Submitter: mail.example.com Report-ID: <"
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["DKIM-Signature"].count("d=example.com") == 1
    (part,) = mail.iter_attachments()
    name = f"mail.example.com!sender.example!{MIDNIGHT}!{MIDNIGHT + DAY - 1}.xml.gz"
    assert (part.get_content_type(), part.get_filename()) == ("application/gzip", name)


def test_nothing_is_sent_twice(office):
    asks(office, "mailto:reports@sender.example,mailto:more@sender.example")
    came(office, ONE)
    the_next_day(office)
    send(office)
    assert len(office.waiting()) == 2


def test_killed_between_queueing_and_forgetting_sends_each_once(office, monkeypatch):
    asks(office, "mailto:reports@sender.example,mailto:more@sender.example")
    came(office, ONE)

    async def dies(_period: object) -> None:
        raise Temporary("killed")

    with monkeypatch.context() as patch:
        patch.setattr(office.server.evaluations, "remove", dies)
        the_next_day(office)
    office.crash()
    send(office)
    assert len(office.waiting()) == 2
    assert asyncio.run(office.server.evaluations.periods()) == []


def test_elsewhere_only_who_agrees_gets_it_and_where_he_says(office):
    asks(office, "mailto:a@agrees.example,mailto:b@silent.example,mailto:c@moved.example,https://sender.example/")
    office.txt("sender.example._report._dmarc.agrees.example", "v=DMARC1")
    office.txt("sender.example._report._dmarc.moved.example", "v=DMARC1; rua=mailto:here@moved.example")
    came(office, ONE)
    the_next_day(office)
    assert recipients(office) == ["a@agrees.example", "here@moved.example"]


def test_what_dns_does_not_tell_is_asked_in_the_next_round_and_nobody_gets_two(office):
    asks(office, "mailto:a@unsure.example,mailto:b@sender.example")
    name = "sender.example._report._dmarc.unsure.example"
    office.zone[name] = {"RCODE": "SERVFAIL"}
    came(office, ONE)
    the_next_day(office)
    assert recipients(office) == ["b@sender.example"]
    office.txt(name, "v=DMARC1")
    send(office)
    assert recipients(office) == ["a@unsure.example", "b@sender.example"]


def test_record_that_cannot_be_looked_up_waits_and_one_that_has_gone_ends_it(office):
    office.zone["_dmarc.sender.example"] = {"RCODE": "SERVFAIL"}
    came(office, ONE)
    the_next_day(office)
    assert len(asyncio.run(office.server.evaluations.periods())) == 1
    del office.zone["_dmarc.sender.example"]
    send(office)
    assert asyncio.run(office.server.evaluations.periods()) == []
    assert office.waiting() == []


def test_too_large_for_one_goes_to_the_other(office):
    asks(office, "mailto:small@sender.example!100,mailto:large@sender.example!10m")
    came(office, ONE)
    the_next_day(office)
    assert recipients(office) == ["large@sender.example"]


def test_too_large_for_all_is_told_in_a_short_mail(office):
    asks(office, "mailto:small@sender.example!100")
    came(office, ONE)
    the_next_day(office)
    (row,) = office.waiting()
    words = office.mail(row).get_content()
    assert "Submitting-URI: mailto:small@sender.example" in words
    assert "Report-Domain: sender.example" in words


def test_suppressed_address_gets_none(office):
    asks(office, "mailto:full@sender.example,mailto:other@sender.example")
    asyncio.run(office.server.suppressions.add_refused(Kind.DMARC, parse_address("full@sender.example"), "550 full"))
    came(office, ONE)
    the_next_day(office)
    assert recipients(office) == ["other@sender.example"]


def test_mail_that_was_only_reports_is_told_with_other_mail_and_never_alone(office):
    asks(office, "mailto:r@sender.example")
    came(office, dataclasses.replace(ONE, is_optional=True))
    the_next_day(office)
    assert office.waiting() == []
    office.clock.time += 3600
    came(office, dataclasses.replace(ONE, is_optional=True), ONE)
    office.clock.time += DAY
    send(office)
    assert len(office.waiting()) == 1


def test_one_domain_that_fails_does_not_keep_the_others(office, monkeypatch):
    real = office.server.evaluations.rows

    async def breaks(period: Period) -> object:
        if period.domain == Domain("a.example"):
            raise ValueError(period)
        return await real(period)

    monkeypatch.setattr(office.server.evaluations, "rows", breaks)
    for domain in ("a.example", "b.example"):
        asks(office, f"mailto:r@{domain}", domain)
        came(office, dataclasses.replace(ONE, policy=dataclasses.replace(POLICY, domain=Domain(domain))))
    with moves("mox_dmarcdb_report_error_total", by=1):
        the_next_day(office)
    assert recipients(office) == ["r@b.example"]
    assert office.pauses == [schedule.MOST_APART_S * 0.75]


def test_rounds_come_a_little_after_each_hour(office):
    times = []

    async def work() -> None:
        seen = asyncio.Event()

        async def sleep(seconds: float) -> None:
            office.clock.time += seconds
            times.append(office.clock.time - MIDNIGHT)
            if len(times) == 3:
                seen.set()
            if len(times) >= 3:
                await asyncio.Event().wait()

        static = dataclasses.replace(office.live.static, no_outgoing_tls_reports=True)
        live = SimpleNamespace(directory=SimpleNamespace(static=static))
        one = Schedule(dataclasses.replace(office.setup, sleep=sleep, live=live))
        one.start()
        await seen.wait()
        await one.stop()

    asyncio.run(work())
    assert times == [3660, 2 * 3600 + 60, 3 * 3600 + 60]


NAMES = st.text(max_size=40)
RESULTS = st.builds(
    AuthResult, domain=NAMES, result=st.sampled_from(["pass", "fail"]), selector=NAMES, scope=st.just(""), words=NAMES
)


@given(names=NAMES, results=st.lists(RESULTS, max_size=3), reason=NAMES)
def test_whatever_strangers_call_themselves_can_be_read_back(names, results, reason):
    row = dataclasses.replace(
        ROW,
        header_from=names,
        dkim_results=tuple(results),
        reasons=(f"local_policy: {reason}",),
    )
    report = DmarcReport(
        organisation="us", email="p@us.example", report_id="1", begin=1, end=2, policy=POLICY, rows=(row,)
    )
    (found,) = dmarc.parse(dmarcwriting.write(report)).rows
    assert (found.source, found.count, len(found.dkim_results)) == (ROW.source, 1, len(results))


@pytest.mark.parametrize("number", [0, 1, 500])
def test_reports_of_an_hour_are_spread_over_it(office, number):
    done = []

    async def work(one: int) -> None:
        done.append(one)

    asyncio.run(schedule.spread(office.setup, list(range(number)), work, schedule.SPREAD_S))
    assert done == list(range(number))
    assert sum(office.pauses) <= schedule.SPREAD_S
