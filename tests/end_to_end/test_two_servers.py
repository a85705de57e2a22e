"""Two servers, each for a domain of its own, find each other through a small DNS server and exchange mail.

They run as `serve` does in earnest: set up by quickstart, started by root, on the real ports, and going on as another
user. The DNS server publishes what quickstart said should be published.
"""

from __future__ import annotations

import contextlib
import re
import signal
import smtplib
from collections.abc import Iterator

import httpx
import pytest

from app.trust.dkim.engine import DKIM, DKIMException
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import FRIENDS_PASSWORD, Site, make_site, parse
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer, ask_txt
from tests.web.world import csrf_of

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25 and to drop it")


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with DnsServer({}) as server:
        yield server


@pytest.fixture(scope="module")
def sites(dns: DnsServer) -> Iterator[tuple[Site, Site]]:
    """Both servers, running; the first has two accounts."""
    resolver = f"{dns.host}:{dns.port}"
    with open_place() as place:
        one, two = (
            make_site(place / domain, domain, number, resolver)
            for domain, number in (("one.test", 11), ("two.test", 12))
        )
        dns.zone |= one.records() | two.records()
        one.add_friend()
        with one.instance.running(), two.instance.running():
            one.command("setaccountpassword", "friend", given=f"{FRIENDS_PASSWORD}\n")
            yield one, two


def test_mail_goes_from_submission_through_the_queue_to_the_other_servers_mailbox(sites: tuple[Site, Site]) -> None:
    one, two = sites
    subject = new_subject()
    one.submit(subject, two.person)
    message = two.received(subject)
    accepted, submitted = message.get_all("Received", [])
    assert "from mx.one.test" in accepted
    assert "by mx.two.test" in accepted
    assert re.search(r"with ESMTPS\b.*TLS ?1\.3", accepted, re.DOTALL)
    assert "by mx.one.test" in submitted
    assert re.search(r"with ESMTPSA\b", submitted)
    assert message["Return-Path"] == f"<{one.person}>"
    assert message["Delivered-To"] == two.person


def test_both_dkim_signatures_verify_with_the_published_keys(sites: tuple[Site, Site], dns: DnsServer) -> None:
    one, two = sites
    subject = new_subject()
    one.submit(subject, two.person)
    stored = two.received_bytes(subject)
    signatures = [str(field) for field in parse(stored).get_all("DKIM-Signature", [])]
    assert sorted(re.search(r"a=([\w-]+)", one)[1] for one in signatures) == ["ed25519-sha256", "rsa-sha256"]  # type: ignore[index]
    assert all("d=one.test" in one for one in signatures)
    for index in range(2):
        assert is_signed(stored, index, dns)
        assert not is_signed(stored + b"One more line.\r\n", index, dns)
        assert not is_signed(stored.replace(b"Subject: ", b"Subject: Re: "), index, dns)


def is_signed(message: bytes, index: int, dns: DnsServer) -> bool:
    """Whether a DKIM signature verifies with a key that the DNS server has."""

    def key(name: bytes, timeout: int) -> bytes:
        return ask_txt(dns, name.decode())

    try:
        return bool(DKIM(message).verify(index, dnsfunc=key))
    except DKIMException:
        return False


def test_mail_to_an_unknown_user_comes_back_as_a_delivery_status_notification(sites: tuple[Site, Site]) -> None:
    one, two = sites
    subject = new_subject()
    unknown = f"unknown@{two.domain}"
    one.submit(subject, unknown)
    (stored,) = wait_for(lambda: one.stored("BODY", f'"{subject}"'), one.instance.log)
    notice = parse(stored)
    assert notice["Return-Path"] == "<>"
    assert notice.get_content_type() == "multipart/report"
    assert notice.get_param("report-type") == "delivery-status"
    text, status, header = notice.iter_parts()
    assert [part.get_content_type() for part in (text, status, header)] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert unknown in text.get_content()
    of_message, of_recipient = status.iter_parts()
    assert of_message["Reporting-MTA"] == "dns; mx.one.test"
    assert of_recipient["Final-Recipient"] == f"rfc822; {unknown}"
    assert of_recipient["Action"] == "failed"
    assert of_recipient["Status"] == "5.1.1"
    assert of_recipient["Diagnostic-Code"].startswith("smtp; 550 5.1.1 ")
    assert subject in header.get_content()


def test_mail_between_accounts_of_one_server_is_delivered_without_a_connection(
    sites: tuple[Site, Site], dns: DnsServer
) -> None:
    one, _ = sites
    subject = new_subject()
    connections = ('mox_smtpserver_connection_total{kind="smtp"}', "mox_queue_connection_total")
    before = [one.metric(sample) for sample in connections]
    asked = len(dns.questions)
    one.submit(subject, one.friend)
    assert one.received(subject, of=one.friend)["Return-Path"] == f"<{one.person}>"
    assert [one.metric(sample) for sample in connections] == before
    assert (one.domain, "MX") not in dns.questions[asked:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_with_mail_in_the_queue_loses_and_doubles_nothing(
    sites: tuple[Site, Site], number: signal.Signals
) -> None:
    one, two = sites
    subjects = [new_subject() for _ in range(3)]
    two.instance.stop()
    for subject in subjects:
        one.submit(subject, two.person)
    queued = wait_for(lambda: waiting(one, two.person), one.instance.log)
    assert len(queued) == len(subjects)
    one.instance.stop(number)
    one.instance.start()
    two.instance.start()
    assert waiting(one, two.person) == queued
    one.command("queue", "schedule", "-now", "0s")
    for subject in subjects:
        two.received(subject)
    wait_for(lambda: one.command("queue", "list") == "no messages\n", one.instance.log)
    for subject in subjects:
        two.received(subject)


def waiting(site: Site, recipient: str) -> list[str]:
    """The lines of the queue, once each message in it was tried and each line gives the reason why it still waits."""
    lines = site.command("queue", "list").splitlines()
    return lines if all(recipient in line and "Connection refused" in line for line in lines) else []


def test_who_is_away_answers_once_and_the_answer_is_signed(sites: tuple[Site, Site]) -> None:
    one, two = sites
    with account_pages(two) as browser:
        away = {"csrf": csrf_of(browser.get("/vacation")), "on": "yes", "text": "Back on Monday."}
        assert browser.post("/vacation", data=away).status_code == 303
    first, second = new_subject(), new_subject()
    write_to(one, two.person, first)
    answer = one.received(f"Automatic answer: {first}")
    assert answer.get_content() == "Back on Monday.\r\n"
    assert answer["Return-Path"] == "<>"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"]
    assert "dkim=pass" in answer["Authentication-Results"]
    write_to(one, two.person, second)
    two.received(second)
    assert one.stored("SUBJECT", f'"Automatic answer: {second}"') == []


@contextlib.contextmanager
def account_pages(site: Site) -> Iterator[httpx.Client]:
    """The pages of a site's person, signed in."""
    with httpx.Client(base_url=f"http://{site.internal_ip}", headers={"Host": "localhost"}, timeout=30) as browser:
        token = csrf_of(browser.get("/login"))
        fields = {"csrf": token, "address": site.person, "password": site.password(site.person)}
        assert browser.post("/login", data=fields).status_code == 303
        yield browser


def test_forwarded_mail_is_believed_and_notices_come_back_to_its_sender(sites: tuple[Site, Site]) -> None:
    one, two = sites
    with account_pages(two) as browser:
        page = browser.get("/forwarding")
        offer = {"csrf": csrf_of(page), "address": two.person, "target": one.friend}
        assert browser.post("/forwarding/add", data=offer).status_code == 303
        asked = one.received("May mail be forwarded to you?", of=one.friend)
        code = re.search(r"^    (\w+)\s*$", asked.get_content(), re.MULTILINE)
        number = re.search(r'name="id" value="(\d+)"', browser.get("/forwarding").text)
        assert code is not None
        assert number is not None
        typed = {"csrf": offer["csrf"], "id": number[1], "code": code[1]}
        assert browser.post("/forwarding/confirm", data=typed).status_code == 303
        subject = new_subject()
        one.submit(subject, two.person)
        forwarded = one.received(subject, of=one.friend)
        two.received(subject)
        assert browser.post("/forwarding/remove", data=typed).status_code == 303
    path = str(forwarded["Return-Path"]).strip("<>")
    assert re.fullmatch(r"SRS0=\w{8}=\w{2}=one\.test=person@two\.test", path)
    results = str(forwarded["Authentication-Results"])
    for word in ("spf=pass", "dkim=pass", "dmarc=pass", "arc=pass"):
        assert word in results
    assert "d=two.test" in forwarded["ARC-Seal"]
    assert "spf=pass" in forwarded["ARC-Authentication-Results"]
    notice = new_message(new_subject(), author="postmaster@elsewhere.example")
    with smtplib.SMTP(two.instance.ip, 25, local_hostname="mx.one.test", timeout=30) as client:
        client.sendmail("", [path], notice.as_bytes())
    assert one.received(notice["Subject"])["Return-Path"] == "<>"


def write_to(site: Site, to: str, subject: str) -> None:
    """The person of a site writes to somebody by name."""
    message = new_message(subject, author=site.person)
    message.replace_header("To", to)
    with smtplib.SMTP_SSL(site.instance.ip, 465, timeout=30, context=any_certificate()) as client:
        client.login(site.person, site.password(site.person))
        client.send_message(message, from_addr=site.person, to_addrs=[to])


def test_dkim_keys_are_replaced_and_no_mail_is_without_a_good_signature(
    sites: tuple[Site, Site], dns: DnsServer
) -> None:
    one, two = sites
    printed = one.command("dkim", "rotate", one.domain)
    records = re.findall(r"^(\S+)\. TXT .*\n    (.*)$", printed, re.MULTILINE)
    assert len(records) == 2
    before = signed_by(one, two)
    for name, text in records:
        dns.zone[name] = {"TXT": ["".join(re.findall(r'"([^"]*)"', text))]}
    assert "are seen" in one.command("dkim", "rotation", "check", one.domain)
    assert signed_by(one, two) == before, "not yet"
    assert "leave the records of" in one.command("dkim", "rotation", "switch", one.domain)
    assert signed_by(one, two) == {name.partition(".")[0] for name, _ in records}


def signed_by(sender: Site, receiver: Site) -> set[str]:
    """The selectors of a message of which the receiver says that all signatures are right."""
    subject = new_subject()
    sender.submit(subject, receiver.person)
    message = receiver.received(subject)
    assert str(message["Authentication-Results"]).count("dkim=pass") == 2
    found = (re.search(r"\bs=([\w-]+)", str(field)) for field in message.get_all("DKIM-Signature", []))
    return {match[1] for match in found if match is not None}
