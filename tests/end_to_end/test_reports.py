"""Reports of other servers sent to the built file, and what the administrator sees of them in a browser."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.test_pages import MARKUP, sign_in_to_admin
from tests.support.browser import CHROMIUM, check_focus, check_page, open_browser, watched_page
from tests.support.built import Instance
from tests.wire.reports.samples import GOOGLE, GOOGLE_TLS, message, tls_json, zipped

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)")

ADDRESSES = """\
		DMARC:
			Localpart: dmarcreports
			Account: mox
			Mailbox: DMARC
		TLSRPT:
			Localpart: tlsreports
			Account: mox
			Mailbox: TLSRPT
"""


def yesterdays(text: str) -> bytes:
    """A sample about localhost, of the day before this."""
    end = int(time.time()) - 3600
    for old, new in {
        "example.com": "localhost",
        "1795219200": str(end - 86400),
        "1795305599": str(end),
        "2026-11-21T00:00:00Z": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end - 86400)),
        "2026-11-21T23:59:59Z": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)),
    }.items():
        text = text.replace(old, new)
    return text.encode()


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A server that got reports."""
    directory: Path = tmp_path_factory.mktemp("reports") / "data"
    server = Instance(directory, own_ip())
    with server.running():
        pass
    (conf,) = directory.rglob("domains.conf")
    text = conf.read_text()
    if "\tlocalhost: nil\n" in text:
        text = text.replace("\tlocalhost: nil\n", "\tlocalhost:\n", 1)
    conf.write_text(text.replace("\tlocalhost:\n", "\tlocalhost:\n" + ADDRESSES, 1))
    strange = GOOGLE.replace("google.com</org_name>", f"<![CDATA[{MARKUP}]]></org_name>").replace("11223344", "2")
    with server.running(), smtplib.SMTP(server.ip, 1025, timeout=30) as client:
        for recipient, data in (
            ("dmarcreports", message(zipped({"r.xml": yesterdays(GOOGLE)}), "application/zip", "r.zip")),
            ("dmarcreports", message(yesterdays(strange), "text/xml")),
            (
                "tlsreports",
                message(tls_json(json.loads(yesterdays(json.dumps(GOOGLE_TLS)))), "application/tlsrpt+gzip"),
            ),
        ):
            client.sendmail("noreply@google.com", [f"{recipient}@localhost"], data)
        server.wait_for(1443)
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def test_reports_are_shown_with_what_to_do(reported: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        sign_in_to_admin(page, reported)
        for menu, words in (
            ("DMARC reports", "Who sends in your name and fails"),
            ("TLS reports", "The certificate had expired"),
        ):
            page.get_by_role("navigation").get_by_role("link", name=menu).click()
            expect(page.get_by_text(words)).to_be_visible()
            check_page(page, watch, menu)
            check_focus(page)
            page.locator("tbody th a").first.click()
            expect(page.get_by_text("Report id")).to_be_visible()
            expect(page).not_to_have_title("pwned")
            check_page(page, watch, f"one of {menu}")
