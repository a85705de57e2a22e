"""Postfix sends its queue into mox.pyz, and takes what mox.pyz sends."""

from __future__ import annotations

import os
import smtplib
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.postfix import running_postfix
from tests.end_to_end.reading import ACCOUNT, arrived, new_message, new_subject
from tests.end_to_end.sites import make_site
from tests.support.built import NOBODY, Instance, open_place
from tests.support.certificates import write_pair
from tests.support.dns import DnsServer

PORT = 2525
AS_SENDER = """\
relayhost = [{server}]:1025
smtp_tls_security_level = {level}
"""
AS_RECEIVER = """\
virtual_mailbox_domains = three.example
virtual_mailbox_base = {{folder}}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
smtpd_tls_security_level = {level}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""


@pytest.mark.parametrize("level", ["none", "encrypt"])
def test_postfix_delivers_its_queue(server: Instance, level: str) -> None:
    subjects = [new_subject() for _ in range(5)]
    with running_postfix(own_ip(3), PORT, AS_SENDER.format(server=server.ip, level=level)) as postfix:
        with smtplib.SMTP(own_ip(3), PORT, timeout=30) as client:
            for subject in subjects:
                client.send_message(new_message(subject), from_addr="someone@example.com", to_addrs=[ACCOUNT])
        lines = postfix.outcomes("smtp", len(subjects))
        assert all("status=sent (250 " in line for line in lines), lines
        assert ("TLS connection established to" in postfix.log()) == (level == "encrypt")
    for subject in subjects:
        assert "relay.example.com" in str(arrived(server, subject).get_all("Received"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for port 25")
@pytest.mark.parametrize("level", ["none", "may"])
def test_postfix_receives_from_our_queue(tmp_path: Path, level: str) -> None:
    certificate, key = write_pair(tmp_path, "mx.three.example")
    zone = {
        "three.example": {"MX": ["10 mx.three.example"]},
        "mx.three.example": {"A": [own_ip(13)]},
        "one.example": {"TXT": ["v=spf1 ip4:127.0.0.0/8 -all"], "MX": ["0 mx.one.example"]},
    }
    settings = AS_RECEIVER.format(level=level, certificate=certificate, key=key, uid=NOBODY)
    with open_place() as place, DnsServer(zone) as dns, running_postfix(own_ip(13), 25, settings) as postfix:
        mail = postfix.folder / "mail"
        mail.mkdir()
        os.chown(mail, NOBODY, NOBODY)
        site = make_site(place / "one", "one.example", 14, f"{dns.host}:{dns.port}")
        subject = new_subject()
        with site.instance.running():
            site.submit(subject, "friend@three.example")
            (line,) = postfix.outcomes("virtual", 1)
            assert "status=sent" in line
            assert ("TLS connection established from" in postfix.log()) == (level == "may")
        (delivered,) = (mail / "box" / "new").iterdir()
        assert subject in delivered.read_text()
