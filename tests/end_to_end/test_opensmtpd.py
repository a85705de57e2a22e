"""OpenSMTPD, without PIPELINING and SMTPUTF8, takes what our queue sends, and says why it refuses.

Debian 12's offers STARTTLS and then fails every handshake, as its TLS process has no private key (`openssl s_client`
sees the same, with RSA and with elliptic keys): our queue goes on without, and no more is asked of it here.
"""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.opensmtpd import Server, running_opensmtpd
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import Site, make_site, parse
from tests.support.built import IS_ROOT, open_place
from tests.support.certificates import write_pair
from tests.support.dns import DnsServer

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25")

COUNT = 5
ZONE = {
    "open.example": {"MX": ["0 mx.open.example"]},
    "wrong.example": {"MX": ["0 mx.open.example"]},
    "mx.open.example": {"A": [own_ip(5)]},
}


def test_opensmtpd_gets_each_message_once_and_unchanged_and_its_refusal_is_told(tmp_path: Path) -> None:
    server = Server(own_ip(5), "open.example", "mx.open.example", *write_pair(tmp_path, "mx.open.example"))
    with open_place() as place, running_opensmtpd(server) as opensmtpd, DnsServer(dict(ZONE)) as dns:
        site = make_site(place / "one", "one.example", 14, f"{dns.host}:{dns.port}")
        dns.zone |= site.records()
        texts = [".dots\r\n..\r\n.\r\n", "Grüße, 你好\r\n", "many lines\r\n" * 20_000, "one\r\n", "\r\n\r\n"]
        messages = [new_message(new_subject(), text, author=site.person).as_bytes() for text in texts]
        with site.instance.running():
            for message in messages:
                send(site, message, "friend@open.example")
            send(site, messages[0], "friend@wrong.example")
            arrived = wait_for(lambda: whole(opensmtpd.delivered()), opensmtpd.log)
            notice = wait_for(lambda: site.stored("ALL"), site.instance.log)
    for message in messages:
        assert sum(one.endswith(message) for one in arrived) == 1
    for one in arrived:
        assert "(OpenSMTPD) with ESMTP" in str(parse(one)["Received"])
    (refused,) = notice
    assert b"friend@wrong.example" in refused
    assert b"Action: failed" in refused
    assert b"Invalid recipient" in refused


def whole(found: list[bytes]) -> list[bytes]:
    return found if len(found) >= COUNT else []


def send(site: Site, message: bytes, to: str) -> None:
    with smtplib.SMTP_SSL(site.instance.ip, 465, timeout=30, context=any_certificate()) as client:
        client.login(site.person, site.password(site.person))
        client.sendmail(site.person, [to], message)
