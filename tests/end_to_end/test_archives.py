"""Archives of mail through the built file: in by the page, with a kill in the middle, and out by page and command."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import ACCOUNT, PASSWORD, signed_in, wait_for
from tests.support.accounts import simple_message
from tests.support.browser import BRIEFLY, CHROMIUM, check_page, open_browser, watched_page
from tests.support.built import Instance, mox

MESSAGES = 4000

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def archive(path: Path, count: int) -> Path:
    """A Maildir of so many messages; every third is read."""
    with tarfile.open(path, "w:gz", compresslevel=1) as file:
        for number in range(count):
            data = simple_message(number).replace(b"\r\n", b"\n")
            info = tarfile.TarInfo(f"Maildir/.Old/cur/{1_700_000_000 + number}.x:2,{'' if number % 3 else 'S'}")
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def sign_in(page: Page, server: Instance) -> None:
    page.goto(f"http://{server.ip}:1080/account/")
    page.get_by_label("Mail address").fill(ACCOUNT)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def upload(page: Page, server: Instance, path: Path) -> None:
    page.goto(f"http://{server.ip}:1080/account/archive")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Import", exact=True).click()


def held(server: Instance) -> tuple[int, int]:
    """Messages of the mailbox, and those that are read."""
    with signed_in(server) as client:
        kind, [count] = client.select('"Old"', readonly=True)
        if kind != "OK" or count is None:
            return 0, 0
        _, [read] = client.uid("SEARCH", "SEEN")
        return int(count), len(read.split())


@needs_browser
def test_upload_goes_on_after_the_server_was_killed(tmp_path: Path, browser: Browser) -> None:
    path = archive(tmp_path / "old mail.tgz", MESSAGES)
    ports = (1025, 1587, 1465, 1143, 1993, 1080)
    with Instance(tmp_path / "data", own_ip(21), ports).running() as server, watched_page(browser) as (page, watch):
        sign_in(page, server)
        check_page_of_archives(page, server, watch)
        upload(page, server, path)
        expect(page.get_by_role("heading", name="old mail.tgz is being imported")).to_be_visible()
        page.goto("about:blank")  # nobody watches
        wait_for(lambda: held(server)[0], server.log)
        assert server.process is not None
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.start()
        watch.may_refuse = True
        wait_for(lambda: held(server)[0] >= MESSAGES, server.log)
        assert held(server) == (MESSAGES, (MESSAGES + 2) // 3)
        page.goto(f"http://{server.ip}:1080/account/archive")
        expect(page.get_by_text(f"{MESSAGES:,} messages taken")).to_be_visible()
        upload(page, server, path)
        expect(page.get_by_text(f"0 messages taken, {MESSAGES:,} were here already")).to_be_visible(timeout=30_000)
        check_page(page, watch, "archive imported", BRIEFLY)


def check_page_of_archives(page: Page, server: Instance, watch: object) -> None:
    """A file that is none is refused, beside it what would do."""
    page.goto(f"http://{server.ip}:1080/account/archive")
    page.get_by_label("File", exact=True).set_input_files({"name": "x.pst", "mimeType": "", "buffer": b"!BDN and more"})
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("an Outlook data file (PST or OST) cannot be read", exact=False)).to_be_visible()


@needs_browser
def test_mail_is_exported_by_the_page_and_by_the_command_alike(tmp_path: Path, browser: Browser) -> None:
    path = archive(tmp_path / "old.tgz", 50)
    ports = (1025, 1587, 1465, 1143, 1993, 1080)
    with Instance(tmp_path / "data", own_ip(22), ports).running() as server, watched_page(browser) as (page, _):
        config = str(tmp_path / "data" / "mox.conf")
        assert mox("-config", config, "import", "archive", "mox", str(path)) == "50 messages taken\n"
        sign_in(page, server)
        page.goto(f"http://{server.ip}:1080/account/export")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "page.zip")
        expect(page.get_by_role("button", name="Download")).to_be_enabled()
        mox("-config", config, "export", "mbox", "-archive", "zip", str(tmp_path / "command.zip"), "mox")
    mox("-config", config, "export", "mbox", str(tmp_path / "stopped"), "mox")
    with zipfile.ZipFile(tmp_path / "page.zip") as one, zipfile.ZipFile(tmp_path / "command.zip") as two:
        assert one.testzip() is None
        assert one.namelist() == two.namelist()
        data = one.read("Old.mbox")
        assert data == two.read("Old.mbox") == (tmp_path / "stopped" / "Old.mbox").read_bytes()
        assert data.count(b"\nMessage-Id: ") == 50
    assert mox("-config", config, "import", "archive", "mox", str(tmp_path / "page.zip")).startswith("0 messages taken")
