"""The set-up beside a real nginx that has ports 80 and 443: found, told what to do, tested, and passing on afterwards.

nginx reads the snippet as the page shows it, from the file that the page names, with certificates where they are said
to be: its /etc is the disguise of the machine.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.reading import any_certificate, wait_for
from tests.end_to_end.settingup import ADDRESS, ADMIN_PASSWORD, Person, SetUp
from tests.support.browser import CHROMIUM, check_page, open_browser, watched_page
from tests.support.built import STOP_S, environment, open_place, readable_archive
from tests.support.certificates import write_pair
from tests.support.closednet import DOMAIN, HOST, IPV4, World, closed_network
from tests.support.namespace import skip_reason

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAMES = (f"mta-sts.{DOMAIN}", f"autoconfig.{DOMAIN}")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)"),
    pytest.mark.skipif(not NGINX, reason="needs nginx (Debian: apt install nginx-light)"),
    pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()),
]

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    include /etc/nginx/conf.d/*.conf;
    server {{
        listen 80 default_server;
        listen [::]:80 default_server;
        listen 443 ssl default_server reuseport;
        listen [::]:443 ssl default_server reuseport;
        ssl_certificate /etc/nginx/own.pem;
        ssl_certificate_key /etc/nginx/own-key.pem;
        return 200 "a site of its own";
    }}
}}
"""
PAGES = f"""
server {{
    listen 443 ssl;
    server_name {HOST} 127.0.0.1;
    ssl_certificate /etc/nginx/own.pem;
    ssl_certificate_key /etc/nginx/own-key.pem;
    location / {{
        proxy_pass http://127.0.0.1:1080;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""


class WebServer:
    """A real nginx on the machine in disguise, with a site of its own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.etc = world.disguise.etc / "nginx"
        shutil.rmtree(self.etc, ignore_errors=True)
        (self.etc / "conf.d").mkdir(parents=True)
        (self.etc / "nginx.conf").write_text(MAIN.format(folder=folder))
        self._put_certificate(HOST, self.etc / "own.pem", self.etc / "own-key.pem")

    def _put_certificate(self, name: str, certificate: Path, key: Path) -> None:
        for made, place in zip(write_pair(self.folder, name), (certificate, key), strict=True):
            shutil.copyfile(made, place)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self._command(), env=environment(), stdout=log, stderr=log)
        try:
            wait_for(lambda: is_taken(80) and is_taken(443), self.log)
            yield
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_S)

    def _command(self, *options: str) -> list[str]:
        return self.world.disguise.words(str(NGINX), "-p", str(self.folder), "-c", "/etc/nginx/nginx.conf", *options)

    @property
    def log_path(self) -> Path:
        return self.folder / "nginx.log"

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def take(self, text: str, file: str = "mox.conf") -> None:
        """Put a snippet into a file, with the certificate that it names, and reload as the page says."""
        (self.etc / "conf.d" / file).write_text(text)
        for name in re.findall(r"/etc/letsencrypt/live/([^/]+)/fullchain\.pem", text):
            live = self.world.disguise.etc / "letsencrypt" / "live" / name
            live.mkdir(parents=True, exist_ok=True)
            self._put_certificate(name, live / "fullchain.pem", live / "privkey.pem")
        tested = subprocess.run(self._command("-t"), env=environment(), capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)


def is_taken(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((IPV4, port), timeout=5).close()
        return True
    return False


@pytest.fixture
def set_up() -> Iterator[SetUp]:
    readable_archive()  # building it may need the real network
    with open_place() as place, closed_network(place) as world:
        directory = place / "mail"
        directory.mkdir(mode=0o755)
        yield SetUp(world, directory)


def test_nginx_keeps_its_ports_and_passes_on_what_mail_needs(set_up: SetUp) -> None:
    nginx = WebServer(set_up.world, set_up.directory.parent)
    with open_browser() as browser, watched_page(browser, accept_downloads=True) as (page, watch):
        person = Person(page, set_up.world)
        person.arrive(set_up.start())
        person.give_address()
        person.choose_password()
        person.read_checks()
        person.is_at("DNS records")  # nobody has the ports yet, so nobody is asked
        with nginx.running():
            check_again(page)
            states = person.read_checks()
            assert (states["port-80"], states["port-443"]) == ("warn", "warn")
            person.is_at("Your web server")
            expect(page.locator("main p").first).to_contain_text("nginx")
            answers = try_names(page)
            assert len(answers) == 4
            assert all("Another site answers" in answer for answer in answers)
            snippet = page.locator("#snippet-nginx pre").text_content() or ""
            nginx.take(snippet.replace(NAMES[1], ""))
            wait_for(lambda: [passed_on(answer) for answer in try_names(page)] == [True, True, False, False], nginx.log)
            nginx.take(snippet)
            wait_for(lambda: all(map(passed_on, try_names(page))), nginx.log)
            check_page(page, watch, "wizard web server nginx")
            person.go_on()
            person.publish()
            person.install()
            nginx.take(PAGES, "pages.conf")
            names_are_served()
            wait_for(lambda: b"a site of its own" not in fetch(HOST, "/", 443), nginx.log)
            the_pages_know_who_asks(page)


def check_again(page: Page) -> None:
    page.get_by_role("link", name="This machine").click()
    page.get_by_role("button", name="Check everything again").click()


def try_names(page: Page) -> list[str]:
    """What the page says of each name over each protocol."""
    page.get_by_role("button", name="Test the web server").click()
    expect(page.locator("#results")).to_be_visible()
    return [row.inner_text() for row in page.locator("#results tbody tr").all()]


def passed_on(answer: str) -> bool:
    return "Passed on to us." in answer


def names_are_served() -> None:
    """Settings for mail programs and the policy come through nginx, and nothing else does."""
    path = f"/mail/config-v1.1.xml?emailaddress={ADDRESS}"
    for port in (80, 443):
        assert b"<clientConfig" in fetch(NAMES[1], path, port)
    policy = fetch(NAMES[0], "/.well-known/mta-sts.txt", 443)
    assert b"version: STSv1" in policy
    assert f"mx: {HOST}".encode() in policy
    for name in NAMES:
        assert fetch(name, "/admin/", 443).startswith(b"HTTP/1.1 404 ")
    assert fetch(DOMAIN, "/", 443).endswith(b"a site of its own")


def fetch(host: str, path: str, port: int) -> bytes:
    """The whole answer of whoever has the port."""
    with socket.create_connection((IPV4, port), timeout=30) as plain:
        connection = any_certificate().wrap_socket(plain, server_hostname=host) if port == 443 else plain
        with connection, connection.makefile("rwb") as stream:
            stream.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            stream.flush()
            return stream.read()


def the_pages_know_who_asks(page: Page) -> None:
    """The administrator signs in through nginx: the cookie is one for TLS, and the address is the browser's."""
    page.context.clear_cookies()
    page.goto("https://127.0.0.1/admin/")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert [str(one["name"]).startswith("__Host-") for one in page.context.cookies("https://127.0.0.1/admin/")] == [
        True
    ]
