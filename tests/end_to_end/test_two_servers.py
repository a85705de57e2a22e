"""Two servers, each for a domain of its own, find each other through a small DNS server and exchange mail.

They run as `serve` does in earnest: started by root, on the real ports, and going on as another user.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import new_subject, wait_for
from tests.end_to_end.sites import PASSWORD, Site, make_site
from tests.support.built import IS_ROOT, NOBODY, mox, open_place
from tests.support.dns import DnsServer

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25 and to drop it")


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[Site, Site]]:
    """Both servers, running, and each person with a password."""
    domains = {"one.example": 11, "two.example": 12}
    zone = {}
    for domain, number in domains.items():
        zone[domain] = {"MX": [f"10 mx.{domain}"], "TXT": ["v=spf1 ip4:127.0.0.0/8 -all"]}
        zone[f"mx.{domain}"] = {"A": [own_ip(number)]}
    with open_place() as place, DnsServer(zone) as dns:
        resolver = f"{dns.host}:{dns.port}"
        one, two = (make_site(place / name, name, number, resolver) for name, number in domains.items())
        with one.instance.running(), two.instance.running():
            for site in (one, two):
                site.command("setaccountpassword", "person", given=f"{PASSWORD}\n")
            yield one, two


def test_mail_goes_from_submission_through_the_queue_to_the_other_servers_mailbox(sites: tuple[Site, Site]) -> None:
    one, two = sites
    subject = new_subject()
    one.submit(subject, two.person)
    message = two.received(subject)
    hops = message.get_all("Received")
    assert len(hops) == 2
    assert "mx.one.example" in hops[0]
    assert "by mx.two.example" in hops[0]
    assert "ESMTPS" in hops[0]
    assert message["Return-Path"] == f"<{one.person}>"


def test_mail_to_an_unknown_user_comes_back_as_a_delivery_status_notification(sites: tuple[Site, Site]) -> None:
    one, two = sites
    subject = new_subject()
    one.submit(subject, f"unknown@{two.domain}")
    (notice,) = wait_for(lambda: one.messages("BODY", f'"{subject}"'), one.instance.log)
    assert notice["Return-Path"] == "<>"
    assert notice.get_content_type() == "multipart/report"
    report = next(part for part in notice.walk() if part.get_content_type() == "message/delivery-status")
    fields = str(report)
    assert "Action: failed" in fields
    assert f"unknown@{two.domain}" in fields
    assert "Status: 5." in fields


def test_mail_to_ones_own_domain_is_delivered_without_leaving(sites: tuple[Site, Site]) -> None:
    one, _ = sites
    subject = new_subject()
    one.submit(subject, f"person+tag@{one.domain}")
    assert len(one.received(subject).get_all("Received")) >= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_with_mail_in_the_queue_loses_and_doubles_nothing(
    sites: tuple[Site, Site], number: signal.Signals
) -> None:
    one, two = sites
    subjects = [new_subject() for _ in range(3)]
    two.instance.stop()
    for subject in subjects:
        one.submit(subject, two.person)
    assert one.command("queue", "list").count(two.person) == len(subjects)
    one.instance.stop(number)
    one.instance.start()
    two.instance.start()
    assert one.command("queue", "list").count(two.person) == len(subjects)
    one.command("queue", "schedule", "-now", "0s")
    for subject in subjects:
        two.received(subject)
    wait_for(lambda: two.person not in one.command("queue", "list"), one.instance.log)


def test_server_does_not_run_as_root_and_cannot_write_its_own_code(sites: tuple[Site, Site]) -> None:
    process = sites[0].instance.process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
    assert "CapEff:\t0000000000000000" in status


def test_wrong_configuration_starts_no_server_and_names_the_line(sites: tuple[Site, Site]) -> None:
    with open_place() as place:
        shutil.copytree(sites[0].config.parent, place / "config")
        path = place / "config" / "mox.conf"
        path.write_text(path.read_text().replace("Hostname: mx", "Hostnome: mx", 1))
        before = sorted(os.listdir(place))
        with pytest.raises(AssertionError, match=r"mox\.conf:4"):
            mox("-config", str(path), "serve")
        assert sorted(os.listdir(place)) == before
