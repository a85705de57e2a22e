"""A newcomer and the mail of the first days: why it is where it is, on the account page; taking back what was refused.

The server is as quickstart sets it up. Strangers send with swaks, an honest acquaintance by way of Postfix.
"""

from __future__ import annotations

import imaplib
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.judgedmail import IPV4, PERSON, STRANGER_IP, Judged, judged_mail, password
from tests.end_to_end.reading import any_certificate, new_subject
from tests.support.browser import NEEDS_CHROMIUM, Watch, check_focus, check_page, open_browser, watched_page
from tests.support.namespace import skip_reason

pytestmark = [
    pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()),
    pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed; see tests/packages.txt"),
    NEEDS_CHROMIUM,
]

ACQUAINTANCE = "bob@sender.example"
MARKUP = "<b>free</b>"


@pytest.fixture(scope="module")
def judged() -> Iterator[Judged]:
    with judged_mail() as judged:
        yield judged


@pytest.fixture
def browser(judged: Judged) -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def swaks(author: str, subject: str) -> str:
    """What a stranger's swaks prints who sends a message to the person."""
    words = ["swaks", "--server", IPV4, "--local-interface", STRANGER_IP, "--tls", "--ehlo", "client.stranger.example"]
    words += ["--from", author, "--to", PERSON, "--h-Subject", subject, "--body", "Have a look at this."]
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


def sign_in(page: Page, judged: Judged) -> None:
    page.goto("http://localhost/")
    page.get_by_label("Mail address").fill(PERSON)
    page.get_by_label("Password").fill(password(judged.site))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Mail that came in").first.click()


def why(page: Page, subject: str) -> str:
    """Open a message of the list; all that is said about it."""
    page.get_by_role("link", name=subject).first.click()
    expect(page.get_by_role("heading", name="Why", exact=True)).to_be_visible()
    return page.get_by_role("main").inner_text()


def back(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name="Mail that came in").click()


def look(page: Page, watch: Watch, name: str) -> None:
    check_page(page, watch, f"judged {name}")
    check_focus(page)


def test_a_stranger_and_what_is_said_about_it(judged: Judged, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        sign_in(page, judged)
        expect(page.get_by_text("Nothing has come in yet from another server.")).to_be_visible()
        look(page, watch, "nothing yet")
        subject = f"{MARKUP} {new_subject()}"
        assert "250 2.2.0 message accepted" in swaks("eve@stranger.example", subject)
        page.reload()
        expect(page.get_by_text("Delivered to Inbox (no-bad-signals)")).to_be_visible()
        look(page, watch, "list")
        text = why(page, subject)
        for words in (
            "nothing speaks against the message",
            f"Sending server: {STRANGER_IP} (",
            "SPF: none",
            "DKIM: not signed.",
            "DMARC: none",
            "Author: eve@stranger.example.",
            "Earlier mail: nothing is known about the sender.",
            "Words: the filter has not learnt enough yet.",
        ):
            assert words in text
        look(page, watch, "one")


def test_what_was_refused_is_taken_back_and_the_next_one_comes_in(judged: Judged, browser: Browser) -> None:
    subject, author = new_subject(), "carl@fail.example"
    assert "451 4.3.0 error processing, try again later" in swaks(author, subject)
    with watched_page(browser) as (page, watch):
        sign_in(page, judged)
        page.get_by_role("link", name="Show only what was refused").click()
        look(page, watch, "refused")
        text = why(page, subject)
        assert f"SPF: fail: fail.example does not let {STRANGER_IP} send for it." in text
        assert "Refused (spf-policy)" in text
        assert "Its sender may try again" in text
        look(page, watch, "one refused")
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("The message is in Inbox now.")).to_be_visible()
        look(page, watch, "taken back")
        assert len(judged.find(subject)) == 1
        assert judged.find(subject, "Rejects") == []
        again = new_subject()
        assert "250 2.2.0 message accepted" in swaks(author, again)
        back(page)
        why(page, again)


def test_what_the_person_calls_junk_is_refused_next_time_until_they_change_their_mind(
    judged: Judged, browser: Browser
) -> None:
    first, second, third = new_subject(), new_subject(), new_subject()
    assert "status=sent" in judged.post(ACQUAINTANCE, first)
    call_junk(first, judged)
    assert "status=deferred" in judged.post(ACQUAINTANCE, second)
    with watched_page(browser) as (page, watch):
        sign_in(page, judged)
        text = why(page, second)
        assert "DKIM: pass for sender.example" in text
        assert f"Refused (msgfromfull): earlier mail of {ACQUAINTANCE} was marked as junk." in text
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("The message is in Inbox now.")).to_be_visible()
        assert "status=sent" in judged.post(ACQUAINTANCE, third)
        back(page)
        assert f"earlier mail of {ACQUAINTANCE} was marked as wanted" in why(page, third)
        look(page, watch, "known")


def call_junk(subject: str, judged: Judged) -> None:
    """Move a message to the mailbox for junk, as mail programs do."""
    with imaplib.IMAP4_SSL(IPV4, 993, ssl_context=any_certificate(), timeout=30) as client:
        client.login(PERSON, password(judged.site))
        client.select("INBOX")
        (number,) = client.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()
        assert client.uid("MOVE", number.decode(), "Junk")[0] == "OK"


def test_doubtful_mail_goes_where_the_person_chose(judged: Judged, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        sign_in(page, judged)
        page.get_by_label("Put it in my mailbox for junk").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        subject = new_subject()
        assert "250 2.2.0 message accepted" in swaks("info@wary.example", subject)
        page.reload()
        text = why(page, subject)
        assert "Delivered to Junk (dmarc-policy)" in text
        assert "the domain wants such mail treated as junk" in text
        assert "Only the sender's side can mend this" in text
        assert "Moves it to Inbox. Mail that proves" in text, "nobody told its sender to try again"
        assert "kept apart" in text
        assert "refused" not in text
        look(page, watch, "quarantined")
    assert len(judged.find(subject, "Junk")) == 1
