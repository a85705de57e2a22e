"""TLS reports that we send: read back by the reader of those that others send, once each, after the day."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest

from app.reports import tls as sending
from app.reports.schedule import tls_round
from app.store.queuerecords import Report
from app.store.reportsuppression import Kind
from app.store.tlsresults import TlsResult
from app.wire.domain import Domain
from app.wire.message.part import parse_message
from app.wire.reports import attached, tls, tlswriting
from app.wire.smtp.address import parse_address
from tests.reports.conftest import DAY, MIDNIGHT, Office
from tests.store.test_tlsresults import BAD, FAILURE, GOOD
from tests.support.measuring import moves
from tests.wire.reports.samples import GOOGLE_TLS


def came(office: Office, *found: TlsResult) -> None:
    async def work() -> None:
        for one in found:
            office.server.tls_results.record(one)
        await office.server.tls_results.flush()

    asyncio.run(work())


def send(office: Office) -> None:
    asyncio.run(tls_round(office.setup))


def the_next_day(office: Office) -> None:
    office.clock.time = MIDNIGHT + DAY + 300
    send(office)


def asks(office: Office, rua: str, domain: str = "there.example") -> None:
    office.txt(f"_smtp._tls.{domain}", f"v=TLSRPTv1; rua={rua}")


def left(office: Office) -> int:
    return len(asyncio.run(office.server.tls_results.days()))


def test_report_is_what_our_own_reader_expects(office):
    asks(office, "mailto:tls@reports.example,https://there.example/")
    came(office, GOOD, BAD, BAD)
    send(office)
    assert office.waiting() == []
    with moves("mox_tlsrptsend_report_queued_total", by=1), moves("mox_tlsrpt_lookup_duration_seconds_count"):
        the_next_day(office)
    send(office)
    (row,) = office.waiting()
    assert (str(row.recipient), row.report, row.max_attempts) == ("tls@reports.example", Report.TLS, 5)
    data = office.bytes_of(row)
    found = tls.parse(attached.find_report(data, parse_message(data), attached.TLS))
    assert (found.begin, found.end, found.organisation) == (MIDNIGHT, MIDNIGHT + DAY - 1, "mail.example.com")
    (policy,) = found.policies
    assert (policy.kind, policy.lines, policy.hosts, policy.successful, policy.failed) == (
        *("sts", GOOD.lines, GOOD.hosts),
        *(1, 2),
    )
    assert policy.failures == (dataclasses.replace(FAILURE, sessions=2),)
    mail = office.mail(row)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "tlsrpt"
    named = (mail["TLS-Report-Domain"], mail["TLS-Report-Submitter"], mail["TLS-Required"])
    assert named == ("there.example", "mail.example.com", "No")
    assert "d=example.com" in mail["DKIM-Signature"]
    _, part = mail.iter_parts()
    assert part.get_content_type() == "application/tlsrpt+gzip"
    assert part.get_filename() == f"mail.example.com!there.example!{MIDNIGHT}!{MIDNIGHT + DAY - 1}.json.gz"
    assert left(office) == 0


def test_success_alone_and_reports_alone_are_not_told(office):
    asks(office, "mailto:tls@there.example")
    came(office, GOOD, dataclasses.replace(BAD, is_optional=True))
    the_next_day(office)
    assert office.waiting() == []
    assert left(office) == 0


def test_success_is_told_when_the_configuration_says_so(office):
    static = dataclasses.replace(office.live.static, outgoing_tls_reports_for_all_success=True)
    signing = office.setup.live

    class Telling:
        selectors = signing.selectors
        directory = dataclasses.make_dataclass("Directory", ["static"])(static)

    office.setup = dataclasses.replace(office.setup, live=Telling())
    asks(office, "mailto:tls@there.example")
    came(office, GOOD)
    the_next_day(office)
    assert len(office.waiting()) == 1


def test_what_dns_does_not_tell_is_asked_again_and_who_asks_for_nothing_is_forgotten(office):
    office.zone["_smtp._tls.there.example"] = {"RCODE": "SERVFAIL"}
    came(office, BAD, dataclasses.replace(BAD, domain=Domain("quiet.example")))
    the_next_day(office)
    assert left(office) == 1
    asks(office, "mailto:tls@there.example")
    send(office)
    assert len(office.waiting()) == 1
    assert left(office) == 0


def test_killed_between_queueing_and_forgetting_sends_each_once(office):
    asks(office, "mailto:a@there.example,mailto:b@there.example")
    came(office, BAD)
    office.clock.time = MIDNIGHT + DAY + 300
    (day,) = asyncio.run(office.server.tls_results.days())
    assert asyncio.run(sending.report(office.setup, day))
    office.crash()
    send(office)
    assert len(office.waiting()) == 2


def test_suppressed_address_gets_none(office):
    asks(office, "mailto:a@there.example,mailto:b@there.example")
    asyncio.run(office.server.suppressions.add_refused(Kind.TLS, parse_address("a@there.example"), "550"))
    came(office, BAD)
    the_next_day(office)
    assert [str(row.recipient) for row in office.waiting()] == ["b@there.example"]


def test_without_a_key_nothing_is_sent(office):
    office.setup.live.domain = Domain("other.example")
    asks(office, "mailto:a@there.example")
    came(office, BAD)
    the_next_day(office)
    assert office.waiting() == []


@pytest.mark.parametrize("sample", [GOOGLE_TLS])
def test_what_was_written_is_read_as_the_same(sample):
    report = tls.parse(json.dumps(sample).encode())
    assert tls.parse(tlswriting.write(report)) == report
