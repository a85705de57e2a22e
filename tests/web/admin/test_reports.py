"""Pages about reports of other servers: what they mean comes first, and what strangers say is text."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from app.smtpserver.reportmail import TLS_RESULTS
from app.store.receiveddmarc import DmarcSource
from app.web.admin import reportwords
from app.wire.reports import dmarc, tls
from tests.support.clock import SetClock
from tests.support.configuration import DOMAINS_CONF
from tests.web.world import World
from tests.wire.reports.samples import GOOGLE, GOOGLE_TLS

SCRIPT = "<script>alert(1)</script>"
DMARC = dmarc.parse(GOOGLE.encode())
TLS = tls.parse(json.dumps(GOOGLE_TLS).encode())


def open_world(directory: Path, **more: str) -> World:
    return World(directory, clock=SetClock(1795365439.0), **more)


def add(world: World, report: dmarc.DmarcReport | tls.TlsReport) -> None:
    reports = world.server.reports
    if isinstance(report, tls.TlsReport):
        asyncio.run(reports.add_tls(report, report.policies, "google.com"))
    else:
        asyncio.run(reports.add_dmarc(report, "google.com"))


def test_who_sends_in_our_name_and_fails_is_told_with_what_to_do(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        add(world, DMARC)
        text = world.admin().get("/admin/reports/dmarc").text
    assert "told of 15 messages in your name: 12 proved to be yours, 3 did not." in text
    failing, passing = text.split("Who sends in your name and passes")
    assert "newsletter.example" in failing
    assert "198.51.100.0/24" in failing
    assert "switch on DKIM for your domain in its settings" in failing
    assert "passed by DKIM and SPF" in passing
    assert "(p=reject)" in failing


def test_a_report_is_shown_with_its_rows(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        add(world, DMARC)
        admin = world.admin()
        text = admin.get("/admin/reports/dmarc/1").text
        assert admin.get("/admin/reports/dmarc/2").status_code == 404
        assert admin.get("/admin/reports/dmarc/x").status_code == 404
        assert admin.get("/admin/reports/tls/99999999999999999999").status_code == 404
    for words in (
        "198.51.100.77",
        "local_policy: arc=fail",
        "put aside as junk",
        "p=reject sp=reject",
        DMARC.report_id,
    ):
        assert words in text


def test_what_failed_with_encryption_is_told_in_plain_words(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        add(world, TLS)
        admin = world.admin()
        text = admin.get("/admin/reports/tls").text
        one = admin.get("/admin/reports/tls/1").text
    assert "told of 43 connections: 41 were encrypted as they should be, 2 were not" in text
    assert "The certificate had expired" in text
    assert "certificate-expired" in text
    assert "209.85.222.201" in one
    assert "mode: enforce" in one


def test_what_senders_say_of_themselves_is_text(tmp_path: Path) -> None:
    row = dataclasses.replace(DMARC.rows[1], header_from=SCRIPT, reasons=(SCRIPT,), envelope_from=SCRIPT)
    failure = dataclasses.replace(TLS.policies[0].failures[0], result=SCRIPT, information=SCRIPT, receiving_host=SCRIPT)
    policy = dataclasses.replace(TLS.policies[0], kind=SCRIPT, lines=(SCRIPT,), failures=(failure,))
    with open_world(tmp_path) as world:
        add(world, dataclasses.replace(DMARC, organisation=SCRIPT, email=SCRIPT, errors=(SCRIPT,), rows=(row,)))
        add(world, dataclasses.replace(TLS, organisation=SCRIPT, contact=SCRIPT, policies=(policy,)))
        admin = world.admin()
        for path in ("dmarc", "dmarc/1", "tls", "tls/1"):
            page = admin.get(f"/admin/reports/{path}")
            assert page.status_code == 200
            assert SCRIPT not in page.text
            assert "&lt;script&gt;" in page.text


def test_without_reports_it_is_told_when_they_come_and_what_is_missing(tmp_path: Path) -> None:
    conf = DOMAINS_CONF.replace(
        "Separator: +\n", "Separator: +\n\t\tDMARC:\n\t\t\tLocalpart: d\n\t\t\tAccount: jane\n\t\t\tMailbox: D\n"
    )
    with open_world(tmp_path, domains_conf=conf) as world:
        admin = world.admin()
        dmarc_page, tls_page = (admin.get(f"/admin/reports/{kind}").text for kind in ("dmarc", "tls"))
    assert "the first comes a day or two after you have written to somebody there" in dmarc_page
    assert "asks for reports if its DNS records are published" in dmarc_page
    assert "asks for none: set the address for TLS reports" in tls_page


def test_only_the_days_that_are_chosen_are_shown(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        add(world, dataclasses.replace(DMARC, begin=DMARC.begin - 40 * 86400, end=DMARC.end - 40 * 86400))
        admin = world.admin()
        assert "No report about the last 30 days" in admin.get("/admin/reports/dmarc").text
        assert "12 proved to be yours" in admin.get("/admin/reports/dmarc?days=90").text
        assert admin.get("/admin/reports/dmarc?days=-1&days=x").status_code == 200


@pytest.mark.parametrize(
    ("sender", "network", "words"),
    [
        ("example.com", "198.51.100.0/24", "Your own name vouches"),
        ("", "198.51.100.0/24", "Nobody vouches"),
        ("other.example", "127.0.0.0/24", "This is this server"),
        ("other.example", "198.51.100.0/24", "If you let this service send"),
    ],
)
def test_advice_depends_on_who_sends(sender: str, network: str, words: str) -> None:
    source = DmarcSource(
        domain="mail.example.com",
        network=network,
        sender=sender,
        has_passed=False,
        dkim=False,
        spf=False,
        messages=1,
        refused=0,
        reporters=1,
    )
    assert words in reportwords.view_source(source, [ip_address("127.0.0.1")]).advice


def test_every_kind_of_failure_of_the_standard_has_a_meaning() -> None:
    titles = {reportwords.meaning(one).title for one in TLS_RESULTS}
    assert len(titles) == len(TLS_RESULTS)
    assert reportwords.meaning("new-word").title not in titles
