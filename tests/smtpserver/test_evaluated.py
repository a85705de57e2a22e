"""What DMARC said of incoming mail is noted once for a message, for domains that ask for reports."""

from __future__ import annotations

import asyncio
import dataclasses
import smtplib
from collections.abc import Mapping

import pytest

from app.smtpserver.checks.evaluation import hours
from app.store.evaluations import Evaluations
from app.store.serverdb import ServerDb
from tests.smtpserver.judgedworld import JudgedWorld
from tests.smtpserver.world import NOW
from tests.support.clock import SetClock
from tests.support.dialog import Service

MORE = {
    "_dmarc.strict.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@strict.example; ri=3600"]},
    "_dmarc.wary.example": {"TXT": ["v=DMARC1; p=quarantine; pct=100; rua=https://wary.example"]},
    "_dmarc.open.example": {"TXT": ["v=DMARC1; p=none; rua=mailto:r@strict.example"]},
    "open.example": {"TXT": ["v=spf1 ip4:127.0.0.0/8 -all"]},
}


@pytest.fixture
def world(tmp_path):
    made = JudgedWorld(tmp_path, MORE)
    server = ServerDb.open(tmp_path / "data", SetClock(NOW))
    made.resources = dataclasses.replace(made.resources, evaluations=server.evaluations)
    yield made
    server.close()
    made.close()


def send(world: JudgedWorld, author: str, to: str, sender: str = "x@quiet.example") -> int:
    found = []

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="one.hoster.example") as smtp:
            smtp.ehlo()
            smtp.mail(sender)
            for address in to.split():
                assert smtp.rcpt(address)[0] == 250
            found.append(
                smtp.data(f"From: {author}\r\nTo: jane@example.com\r\nSubject: x\r\n\r\nHello.\r\n".encode())[0]
            )

    async def work(places: Mapping[str, Service]) -> None:
        await asyncio.to_thread(client, places["smtp"].port)

    world.run_with(work)
    return int(found[0])


def kept(world: JudgedWorld, domain: str):
    evaluations = world.resources.evaluations
    assert isinstance(evaluations, Evaluations)
    return asyncio.run(evaluations.of_domain(domain, 10))


def test_refused_for_dmarc_is_told_with_what_was_checked(world):
    assert send(world, "ann@strict.example", "jane@example.com verified@example.com") == 550
    (row,) = kept(world, "strict.example")
    assert (str(row.source), row.count, row.disposition.value, row.has_passed) == ("127.0.0.1", 1, "reject", False)
    assert (row.header_from, row.envelope_from, row.envelope_to, row.reasons) == (
        *("strict.example", "quiet.example"),
        *("example.com", ()),
    )
    assert [(one.domain, one.result, one.scope) for one in row.spf_results] == [("quiet.example", "pass", "mfrom")]
    (period,) = asyncio.run(world.resources.evaluations.periods())
    assert (period.end - period.begin, period.is_optional) == (3600, False)


def test_mail_to_the_address_for_reports_is_no_reason_for_a_report(world):
    assert send(world, "ann@open.example", "reports@example.com", "ann@open.example") == 250
    (row,) = kept(world, "open.example")
    assert (row.spf, row.disposition.value) == (True, "none")
    (period,) = asyncio.run(world.resources.evaluations.periods())
    assert (period.end - period.begin, period.is_optional) == (24 * 3600, True)


def test_a_list_that_a_rule_lets_in_is_named_as_the_reason(world):
    assert send(world, "ann@strict.example", "lists@example.com", "bounces@list.example") == 250
    (row,) = kept(world, "strict.example")
    assert (row.disposition.value, row.reasons) == ("none", ("mailing_list",))


def test_domains_without_an_address_for_mail_are_not_noted(world):
    assert send(world, "ann@wary.example", "jane@example.com") == 550
    assert kept(world, "wary.example") == []


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 1), (1, 1), (3600, 1), (5 * 3600, 6), (86399, 24), (86400, 24), (10**9, 24)]
)
def test_interval_divides_the_day(asked, given):
    assert hours(asked) == given
