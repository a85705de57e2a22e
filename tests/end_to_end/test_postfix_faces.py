"""Our queue and a Postfix with several faces: all extensions, none of them, little room, choosy, greylisting.

What Postfix delivers is compared byte for byte with what was submitted, or decoded where it had to be converted.
"""

from __future__ import annotations

import os
import re
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.postfix import Postfix, running_postfix
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import Site, make_site, parse
from tests.support.built import IS_ROOT, NOBODY, open_place
from tests.support.dns import DnsServer, Zone

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25")

SIZE_LIMIT = 20_000
DOMAINS = ("modern", "old", "small", "choosy", "grey")
SETTINGS = """\
virtual_mailbox_domains = modern.example, old.example, small.example, choosy.example, grey.example
virtual_mailbox_base = {{folder}}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
relayhost = [{site}]:25
debug_peer_list = 127.0.0.0/8
"""
SERVICES = """\
{old}:25 inet n - n - - smtpd
    -o smtpd_discard_ehlo_keywords=8bitmime,smtputf8,chunking,dsn
{small}:25 inet n - n - - smtpd
    -o message_size_limit={limit}
{choosy}:25 inet n - n - - smtpd
    -o {{ smtpd_recipient_restrictions = check_recipient_access regexp:{{{{/^gone/ REJECT 5.1.1 moved}}}} permit }}
{grey}:25 inet n - n - - smtpd
    -o {{ smtpd_recipient_restrictions = check_policy_service inet:{policy} permit }}
"""


class Greylist(socketserver.StreamRequestHandler):
    """Postfix's policy protocol: the first who asks for a recipient must come again."""

    def handle(self) -> None:
        while lines := [line.decode().strip() for line in iter(self.rfile.readline, b"\n") if line]:
            facts = dict(line.split("=", 1) for line in lines)
            seen: set[str] = self.server.seen  # type: ignore[attr-defined]
            answer = "DUNNO" if facts["recipient"] in seen else "DEFER 4.7.1 greylisted, come again"
            seen.add(facts["recipient"])
            self.wfile.write(f"action={answer}\n\n".encode())


@dataclass(frozen=True, slots=True)
class Pair:
    """Our server, and the Postfix that it sends to."""

    site: Site
    postfix: Postfix
    mail: Path = field(repr=False)

    def send(self, message: bytes, *to: str, options: tuple[str, ...] = (), each: tuple[str, ...] = ()) -> None:
        person = self.site.person
        with smtplib.SMTP_SSL(self.site.instance.ip, 465, timeout=30, context=any_certificate()) as client:
            client.login(person, self.site.password(person))
            client.sendmail(person, to, message, options, each)

    def delivered(self, to: str, subject: str) -> bytes:
        """What Postfix put into the mailbox, with the line ends it had on the way."""
        folder = self.mail / "box" / "new"

        def found() -> list[bytes]:
            texts = [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []
            return [one for one in texts if f"\nDelivered-To: {to}\n".encode() in one and subject.encode() in one]

        (text,) = wait_for(found, self.explain)
        return text.replace(b"\n", b"\r\n")

    def notice(self, about: str) -> EmailMessage:
        """The notice in our sender's inbox that tells of a recipient."""

        def found() -> list[bytes]:
            return [one for one in self.site.stored("ALL") if about.encode() in one]

        (text,) = wait_for(found, self.explain)
        return parse(text)

    def explain(self) -> str:
        return self.site.instance.log() + self.postfix.log()


@contextmanager
def greylisting() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greylist) as server:
        server.daemon_threads = True
        server.seen = set()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    ips = dict(zip(DOMAINS, map(own_ip, range(3, 8)), strict=True))
    zone: Zone = {f"{name}.example": {"MX": [f"0 mx.{name}.example"]} for name in ips}
    zone |= {f"mx.{name}.example": {"A": [ip]} for name, ip in ips.items()}
    zone["relay.example.com"] = {"A": ["127.0.0.1"], "TXT": ["v=spf1 ip4:127.0.0.0/8 -all"]}
    settings = SETTINGS.format(uid=NOBODY, site=own_ip(14))
    with greylisting() as asked, DnsServer(zone) as dns, open_place() as place:
        services = SERVICES.format(**ips, limit=SIZE_LIMIT, policy=asked)
        with running_postfix(ips["modern"], 25, settings, services=services) as postfix:
            mail = postfix.folder / "mail"
            mail.mkdir()
            os.chown(mail, NOBODY, NOBODY)
            site = make_site(place / "one", "one.example", 14, f"{dns.host}:{dns.port}")
            dns.zone |= site.records()
            with site.instance.running():
                yield Pair(site, postfix, mail)


def message_of(site: Site, subject: str, text: str) -> EmailMessage:
    return new_message(subject, text, author=site.person)


def eight_bit(site: Site, subject: str, text: str) -> bytes:
    message = message_of(site, subject, "")
    message.set_content(text, cte="8bit")
    return message.as_bytes(policy=policy.SMTP)


def test_success_notice_asked_for_by_the_sender_comes_back_from_postfix(pair: Pair) -> None:
    subject, to = new_subject(), "asked@modern.example"
    parameters = ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first@elsewhere.example")
    message = message_of(pair.site, subject, "Hello.\r\n").as_bytes()
    pair.send(message, to, options=("RET=HDRS", "ENVID=envelope+2B7"), each=parameters)
    assert b"\r\nX-Original-To: asked@modern.example\r\n" in pair.delivered(to, subject)
    text = pair.notice("first@elsewhere.example").as_string()
    assert "relay.example.com" in text
    assert re.search(r"^Original-Envelope-Id: envelope\+2?B?7", text, re.MULTILINE | re.IGNORECASE)
    assert re.search(r"^Original-Recipient: rfc822; ?first@elsewhere\.example", text, re.MULTILINE)
    assert re.search(r"^Action: delivered", text, re.MULTILINE)


def test_large_message_in_chunks_arrives_byte_for_byte(pair: Pair) -> None:
    subject, to = new_subject(), "chunks@modern.example"
    lines = [f"{number} .dots and words\r\n.\r\n..\r\n" for number in range(10_000)]
    message = message_of(pair.site, subject, "".join(lines)).as_bytes()
    pair.send(message, to)
    assert pair.delivered(to, subject).endswith(message)
    assert re.search(r"< .*: BDAT \d{5,}", pair.postfix.log())


def test_eight_bits_go_as_they_are_where_they_may(pair: Pair) -> None:
    subject, to = new_subject(), "eight@modern.example"
    message = eight_bit(pair.site, subject, "Grüße, 你好\r\n")
    pair.send(message, to, options=("BODY=8BITMIME",))
    assert pair.delivered(to, subject).endswith(message)


def test_eight_bits_are_converted_for_a_server_without_8bitmime(pair: Pair) -> None:
    subject, to, text = new_subject(), "seven@old.example", "Grüße, 你好\r\n.\r\nEnde = Schluß\r\n"
    pair.send(eight_bit(pair.site, subject, text), to, options=("BODY=8BITMIME",))
    delivered = pair.delivered(to, subject)
    assert delivered.isascii()
    assert parse(delivered).get_content().replace("\n", "\r\n").replace("\r\r", "\r") == text


def test_address_beyond_ascii_goes_only_to_a_server_with_smtputf8(pair: Pair) -> None:
    subject = new_subject()
    message = message_of(pair.site, subject, "Hello.\r\n").as_bytes()
    for domain in ("modern", "old"):
        pair.send(message, f"jörg@{domain}.example", options=("SMTPUTF8", "BODY=8BITMIME"))
    assert pair.delivered("jörg@modern.example", subject).endswith(message)
    assert "5.6.7" in pair.notice("@old.example").as_string()


def test_message_too_large_for_the_other_side_is_not_sent_there(pair: Pair) -> None:
    message = message_of(pair.site, new_subject(), "Ten bytes\r\n" * (SIZE_LIMIT // 5)).as_bytes()
    pair.send(message, "large@small.example")
    assert "5.3.4" in pair.notice("large@small.example").as_string()
    assert "large@small.example" not in pair.postfix.log()


def test_some_of_many_recipients_are_refused_and_the_others_get_it(pair: Pair) -> None:
    subject = new_subject()
    taken, refused = ([f"{word}{number}@choosy.example" for number in range(10)] for word in ("here", "gone"))
    message = message_of(pair.site, subject, "Hello.\r\n").as_bytes()
    pair.send(message, *(one for pair_of in zip(taken, refused, strict=True) for one in pair_of))
    for to in taken:
        assert pair.delivered(to, subject).endswith(message)
    for to in refused:
        assert "moved" in pair.notice(to).as_string()


def test_greylisted_message_arrives_at_the_next_attempt(pair: Pair) -> None:
    subject, to = new_subject(), "later@grey.example"
    message = message_of(pair.site, subject, "Hello.\r\n").as_bytes()
    pair.send(message, to)
    wait_for(lambda: "greylisted" in pair.site.command("queue", "list", "-to", to), pair.explain)
    pair.site.command("queue", "schedule", "-to", to, "-now", "0s")
    assert pair.delivered(to, subject).endswith(message)
    assert pair.site.command("queue", "list", "-to", to) == "no messages\n"
