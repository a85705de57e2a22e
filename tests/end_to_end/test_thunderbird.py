"""Thunderbird sets up an account from an address and a password alone, and reads and sends mail with it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.reading import new_subject
from tests.end_to_end.sites import Site, make_site
from tests.end_to_end.thunderbird import CREATE, FIND, READ, SEND, TRUST, thunderbird
from tests.support.built import IS_ROOT, open_place

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="needs root, for the ports 80 and 443"),
    pytest.mark.skipif(shutil.which("thunderbird") is None, reason="is not installed; see tests/packages.txt"),
]
NO_RESOLVER = "127.0.0.1:1"
SSL, PLAIN = 3, 0  # nsMsgSocketType
CLEARTEXT, ENCRYPTED = 3, 4  # nsMsgAuthMethod


@pytest.fixture
def site() -> Iterator[Site]:
    with open_place() as place:
        made = make_site(place / "one.test", "one.test", 1, NO_RESOLVER)
        made.instance.ports = (80, 443, 465, 993)
        with made.instance.running():
            yield made


@pytest.fixture
def site_without_tls() -> Iterator[Site]:
    """The same without certificates, as behind a tunnel: signing in is allowed all the same."""
    with open_place() as place:
        made = make_site(place / "one.test", "one.test", 2, NO_RESOLVER)
        made.config.write_text(without_tls(made.config.read_text()))
        made.instance.ports = (80, 143, 587)
        with made.instance.running():
            yield made


def without_tls(mox_conf: str) -> str:
    before, public = re.sub(r"\n(\t* *#.*)?(?=\n)", "", mox_conf).split("\tpublic:\n")
    public = public.replace("\t\tIMAPS:\n", "\t\tIMAP:\n\t\t\tNoRequireSTARTTLS: true\n")
    public = public.replace("\t\tSubmissions:\n", "\t\tSubmission:\n\t\t\tNoRequireSTARTTLS: true\n")
    public = public.replace("\t\tAutoconfigHTTPS:\n", "\t\tAutoconfigHTTPS:\n\t\t\tPort: 80\n\t\t\tNonTLS: true\n")
    public = re.sub(r"\t\t(TLS|SMTP|MTASTSHTTPS|WebserverHTTPS?):\n(\t\t\t.*\n)+", "", public)
    return f"{before}\tpublic:\n{public}"


def certificate(site: Site) -> str:
    """The server's certificate as base64."""
    return "".join((site.config.parent / "tls" / "selfsigned.crt.pem").read_text().split("-----")[2].split())


def test_thunderbird_finds_the_settings_and_reads_and_sends_mail(site: Site, tmp_path: Path) -> None:
    arrived, sent = new_subject(), new_subject()
    site.submit(arrived, site.person)
    site.received(arrived)
    password = site.password(site.person)
    hosts = ["autoconfig.one.test", "autodiscover.one.test", "one.test"]
    with thunderbird(tmp_path / "profile", site.instance.ip) as program:
        places = [*((host, 443) for host in hosts), ("mail.one.test", 465), ("mail.one.test", 993)]
        program.run(TRUST, certificate(site), places)
        found = program.run(FIND, site.person, password)
        assert (found["source"], found["id"], found["domains"]) == ("xml-from-isp-https", "one.test", ["one.test"])
        way = {"host": "mail.one.test", "socket": SSL, "auth": CLEARTEXT, "username": site.person}
        assert found["incoming"] == [{"type": "imap", "port": 993, **way}]  # and nothing that looks like Exchange
        assert found["outgoing"] == [{"type": "smtp", "port": 465, **way}]
        assert program.run(CREATE, "A Person", site.person, password) == "imap://person%40one.test@mail.one.test"
        program.run(READ, arrived, ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"])
        program.run(SEND, "person+self@one.test", sent)
        assert program.run(READ, sent, []) == site.person
    assert site.received(sent).get_content().strip() == "sent by Thunderbird"


def test_thunderbird_does_not_send_the_password_in_the_clear_where_tls_is_missing(
    site_without_tls: Site, tmp_path: Path
) -> None:
    site, subject = site_without_tls, new_subject()
    password = site.password(site.person)
    with thunderbird(tmp_path / "profile", site.instance.ip) as program:
        found = program.run(FIND, site.person, password)
        assert found["source"] == "xml-from-isp-http"
        way = {"host": "mail.one.test", "socket": PLAIN, "auth": ENCRYPTED, "username": site.person}
        assert found["incoming"] == [{"type": "imap", "port": 143, **way}]
        assert found["outgoing"] == [{"type": "smtp", "port": 587, **way}]
        program.run(CREATE, "A Person", site.person, password)
        program.run(SEND, site.person, subject)
        program.run(READ, subject, [])
    sign_ins = [line for line in site.instance.log().splitlines() if "m=sign-in" in line]
    assert {"protocol=imap", "protocol=submission"} <= {word for line in sign_ins for word in line.split()}
    assert all("mechanism=CRAM-MD5" in line or "mechanism=SCRAM" in line for line in sign_ins)
