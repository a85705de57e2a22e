"""Rules of an address and junk flags by mailbox, through the built server: mail by SMTP, a mail program by IMAP."""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Iterator

import pytest

from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import Site, make_site
from tests.support.built import IS_ROOT, open_place

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25 and to drop it")
RULES = """\
				Rulesets:
					-
						HeadersRegexp:
							^subject$: (end|\\s)+\\s*to end .*\\[devel\\]$
						Mailbox: Lists/Devel
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_place() as place:
        made = make_site(place / "rules.test", "rules.test", 25, "127.0.0.1:1")
        text = made.domains_conf.read_text()
        assert text.count(f"{made.person}: nil\n") == 1
        made.domains_conf.write_text(text.replace(f"{made.person}: nil\n", f"{made.person}:\n{RULES}"))
        with made.instance.running():
            yield made


def test_rules_and_mailboxes_decide_where_mail_goes_and_what_it_is(site: Site) -> None:
    assert "Rulesets" not in site.command("config", "test")
    assert "AutomaticJunkFlags" not in site.command("config", "test")
    subject = new_subject()
    with smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
        for text in (subject, f"{subject} [devel]"):
            client.send_message(new_message(text), from_addr="a@example.org", to_addrs=[site.person])
    assert len(wait_for(lambda: site.stored("SUBJECT", f'"{subject}"'), site.instance.log)) == 1
    with imaplib.IMAP4_SSL(site.instance.ip, 993, ssl_context=any_certificate(), timeout=30) as client:
        client.login(site.person, site.password(site.person))
        assert client.select("Lists/Devel") == ("OK", [b"1"])
        assert b"$NotJunk" in client.fetch("1", "(FLAGS)")[1][0]
        assert client._simple_command("MOVE", "1", "Junk")[0] == "OK"
        client.select("Junk")
        assert b"$Junk" in client.fetch("1", "(FLAGS)")[1][0]
