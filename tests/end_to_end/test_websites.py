"""Web sites of the owner through the built file, asked by curl and by a browser: files, redirects, a server behind."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import wait_for
from tests.support.backend import Backend, backend
from tests.support.browser import CHROMIUM, check_page, open_browser, watched_page
from tests.support.built import Instance, mox

CURL = shutil.which("curl") or ""
pytestmark = pytest.mark.skipif(not CURL, reason="needs curl")

SITE = "www.site.test"
GIGABYTE = 1 << 30
ROOM_KB = 60_000  # that the server may grow by, whatever passes through it
RULES = """WebDomainRedirects:
\told.site.test: www.site.test
WebHandlers:
\t-
\t\tLogName: moved
\t\tDomain: www.site.test
\t\tPathRegexp: ^/old/
\t\tDontRedirectPlainHTTP: true
\t\tWebRedirect:
\t\t\tOrigPathRegexp: ^/old/(.*)$
\t\t\tReplacePath: /files/$1
\t-
\t\tLogName: app
\t\tDomain: www.site.test
\t\tPathRegexp: ^/app/
\t\tDontRedirectPlainHTTP: true
\t\tWebForward:
\t\t\tStripPath: true
\t\t\tURL: http://BACKEND/base
\t-
\t\tDomain: www.site.test
\t\tPathRegexp: ^/down/
\t\tWebForward:
\t\t\tURL: http://IP:1
\t-
\t\tLogName: files
\t\tDomain: www.site.test
\t\tPathRegexp: ^/
\t\tDontRedirectPlainHTTP: true
\t\tCompress: true
\t\tWebStatic:
\t\t\tStripPrefix: /files/
\t\t\tRoot: ROOT
\t\t\tListFiles: true
"""
PAGE = """<!doctype html><html lang="en"><title>Echo</title><main><h1>Echo</h1><p id="out">waiting</p></main>
<script type="module">
const socket = new WebSocket("ws://www.site.test:1080/app/socket");
socket.onopen = () => socket.send("through the proxy");
socket.onmessage = (event) => { document.getElementById("out").textContent = event.data; };
socket.onerror = () => { document.getElementById("out").textContent = "failed"; };
</script>
"""


@pytest.fixture(scope="module")
def behind() -> Iterator[Backend]:
    with backend(own_ip(9)) as made:
        yield made


@pytest.fixture(scope="module")
def site(server: Instance, behind: Backend, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """The server with a site in domains.conf, which it reads while it runs."""
    root = tmp_path_factory.mktemp("www")
    (root / "echo.html").write_text(PAGE)
    (root / "text.txt").write_text("a line of text\n" * 1000)
    (root / "<b> & more.txt").write_text("x")
    (root / "out").symlink_to("/etc/passwd")
    for port in (1080, 1443):
        server.wait_for(port)
    rules = RULES.replace("BACKEND", f"{behind.ip}:{behind.port}").replace("IP", server.ip).replace("ROOT", str(root))
    conf = server.directory / "domains.conf"
    conf.write_text(conf.read_text().replace("WebHandlers:\n", rules, 1))
    wait_for(lambda: "domains.conf read again" in _asked(server), server.log)
    return server


def _asked(server: Instance) -> str:
    """The log, after a request has made the server look at its files."""
    _curl(server, "http://localhost:1080/")
    return server.log()


def _curl(server: Instance, url: str, *options: str, given: bytes = b"") -> str:
    """What curl prints for a URL, with any host name; the head of the answer too."""
    places = [f"{host}:{port}:{server.ip}" for host in (SITE, "old.site.test", "localhost") for port in (1080, 1443)]
    resolve = [word for place in places for word in ("--resolve", place)]
    command = [CURL, "-ski", "--path-as-is", "--max-time", "60", *resolve, *options, url]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    return done.stdout.decode("latin-1")


def test_files_are_served_and_nothing_outside_the_root(site: Instance) -> None:
    answer = _curl(site, f"http://{SITE}:1080/files/text.txt", "--compressed", "-H", "Accept-Encoding: gzip;q=1.0")
    assert "content-encoding: gzip" in answer
    assert answer.endswith("a line of text\n" * 1000)
    assert _curl(site, f"http://{SITE}:1080/files/text.txt", "-r", "2-5").endswith("\r\n\r\nline")
    for path in ("out", "../../../etc/passwd", "..%2f..%2fetc/passwd", "%2e%2e/etc/passwd", "/etc/passwd"):
        assert _curl(site, f"http://{SITE}:1080/files/{path}").startswith("HTTP/1.1 404"), path


def test_redirects(site: Instance) -> None:
    assert f"\nlocation: https://{SITE}:1443/a?b" in _curl(site, "http://old.site.test:1080/a?b")
    assert f"\nlocation: http://{SITE}:1080/files/text.txt" in _curl(site, f"http://{SITE}:1080/old/text.txt")
    assert f"\nlocation: https://{SITE}:1443/down/x" in _curl(site, f"http://{SITE}:1080/down/x")


def test_server_behind_sees_who_asks_and_faults_of_it_have_an_id(site: Instance, behind: Backend) -> None:
    answer = _curl(site, f"https://{SITE}:1443/app/a%20b?c", "-H", "X-Forwarded-For: 1.2.3.4", "-d", "12345")
    assert answer.endswith("5 bytes\n")
    head = behind.heads[-1].decode()
    assert head.startswith("POST /base/a%20b?c HTTP/1.1\r\n")
    assert f"x-forwarded-host: {SITE}:1443\r\nx-forwarded-proto: https\r\n" in head
    assert "1.2.3.4" not in head
    broken = _curl(site, f"https://{SITE}:1443/down/")
    found = re.search(r"502 - bad gateway \(id ([\w-]{22})\)", broken)
    assert found is not None, broken
    number = mox("-config", str(site.directory / "mox.conf"), "cid", found[1]).strip()
    assert re.search(rf"m=backend .*cid={number} ", site.log())


def test_gigabytes_pass_in_both_directions_with_bounded_memory(site: Instance) -> None:
    before = _peak_kb(site)
    command = f"head -c {GIGABYTE} /dev/zero | {CURL} -s --max-time 120 --resolve {SITE}:1080:{site.ip} -T -"
    sent = subprocess.run(["sh", "-c", f"{command} http://{SITE}:1080/app/up"], capture_output=True, check=True)
    assert sent.stdout == b"%d bytes\n" % GIGABYTE
    url = f"http://{SITE}:1080/app/bytes/{GIGABYTE}"
    assert _curl(site, url, "-o", "/dev/null", "-w", "%{size_download}") == str(GIGABYTE)
    assert _peak_kb(site) < before + ROOM_KB


def _peak_kb(server: Instance) -> int:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_browser_talks_through_a_websocket_and_reads_a_list_of_files(site: Instance) -> None:
    with (
        open_browser(f"--host-resolver-rules=MAP {SITE} {site.ip}") as browser,
        watched_page(browser) as (page, watch),
    ):
        page.goto(f"http://{SITE}:1080/files/echo.html")
        expect(page.locator("#out")).to_have_text("through the proxy")
        page.goto(f"http://{SITE}:1080/files/")
        expect(page.get_by_role("link", name="<b> & more.txt")).to_be_visible()
        check_page(page, watch)
        page.get_by_role("link", name="text.txt", exact=True).click()
        expect(page.get_by_text("a line of text").first).to_be_visible()
    wait_for(lambda: "proto=HTTP/1.1" in site.log() and "websocket=True" in site.log(), site.log)


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_site_is_set_up_on_the_admin_page_and_served_at_once(server: Instance, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("just set up\n")
    server.wait_for(1443)
    with open_browser() as browser, watched_page(browser) as (page, watch):
        page.goto(f"https://{server.ip}:1443/admin/")
        page.get_by_label("Password").fill("moxadmin")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Web server").click()
        page.get_by_role("link", name="Files of a directory").click()
        page.get_by_label("Host name").fill(SITE)
        page.get_by_label("Paths, as a regular expression").fill("/fresh/")
        page.get_by_label("Directory").fill(str(tmp_path))
        page.get_by_label("Start of the path to leave out").fill("/fresh/")
        page.get_by_label("Answer on HTTP too").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Must start with ^")).to_be_visible()
        watch.take()  # the 422 of the form that was sent back
        page.get_by_label("Paths, as a regular expression").fill("^/fresh/")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved, and in effect.")).to_be_visible()
        for _ in range(page.locator("ol.rules > li").count() - 1):  # in front of what other tests have set up
            mine = page.locator("ol.rules > li", has_text="^/fresh/")
            number = page.locator("ol.rules > li").all_inner_texts().index(mine.inner_text())
            mine.get_by_role("button", name="Up").click()
            expect(page.locator("ol.rules > li").nth(number - 1)).to_contain_text("^/fresh/")
        page.get_by_label("URL").fill(f"http://{SITE}/fresh/new.txt")
        page.get_by_role("button", name="Try").click()
        expect(page.get_by_text(f"sends the file {tmp_path}/new.txt")).to_be_visible()
        check_page(page, watch)
        assert _curl(server, f"http://{SITE}:1080/fresh/new.txt").endswith("just set up\n")
