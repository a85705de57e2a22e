"""The set-up beside a real nginx or Caddy that has ports 80 and 443: found, told what to do, tested, and passing on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.reading import any_certificate, wait_for
from tests.end_to_end.settingup import ADDRESS, ADMIN_PASSWORD, Person, SetUp
from tests.end_to_end.webservers import CADDY, NGINX, OWN_SITE, Caddy, Nginx, WebServer
from tests.support.browser import CHROMIUM, check_page, open_browser, watched_page
from tests.support.built import open_place, readable_archive
from tests.support.closednet import DOMAIN, HOST, IPV4, closed_network
from tests.support.namespace import skip_reason

NAMES = (f"mta-sts.{DOMAIN}", f"autoconfig.{DOMAIN}")
CLAIMED = "9.9.9.9"
SENT_ON, PASSED_ON = "Sends visitors on to HTTPS", "Passed on to us."
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)"),
    pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()),
]


@pytest.fixture
def set_up() -> Iterator[SetUp]:
    readable_archive()  # building it may need the real network
    with open_place() as place, closed_network(place) as world:
        directory = place / "mail"
        directory.mkdir(mode=0o755)
        yield SetUp(world, directory)


@pytest.mark.skipif(not NGINX, reason="needs nginx (Debian: apt install nginx-light)")
def test_nginx_keeps_its_ports_and_passes_on_what_mail_needs(set_up: SetUp) -> None:
    nginx = Nginx(set_up.world, set_up.directory.parent)
    with open_browser() as browser, watched_page(browser, accept_downloads=True) as (page, watch):
        person, snippet = until_the_snippet(page, set_up, nginx)
        with nginx.running():
            nginx.take(snippet.replace(NAMES[1], ""))
            wait_for(lambda: [passed_on(answer) for answer in try_names(page)] == [True, True, False, False], nginx.log)
            nginx.take(snippet)
            wait_for(lambda: all(map(passed_on, try_names(page))), nginx.log)
            check_page(page, watch, "wizard web server nginx")
            until_it_works(person, nginx)
            path = f"/mail/config-v1.1.xml?emailaddress={ADDRESS}"
            assert b"<clientConfig" in fetch(NAMES[1], path, 80)
            the_pages_know_who_asks(page)


@pytest.mark.skipif(not CADDY, reason="needs caddy (Debian: apt install caddy)")
def test_caddy_keeps_its_ports_and_passes_on_what_mail_needs(set_up: SetUp) -> None:
    caddy = Caddy(set_up.world, set_up.directory.parent)
    with open_browser() as browser, watched_page(browser, accept_downloads=True) as (page, watch):
        person, snippet = until_the_snippet(page, set_up, caddy)
        with caddy.running():
            caddy.take(snippet)
            expected = [SENT_ON, PASSED_ON] * 2
            wait_for(lambda: all(w in answer for w, answer in zip(expected, try_names(page), strict=True)), caddy.log)
            check_page(page, watch, "wizard web server caddy")
            until_it_works(person, caddy)
            the_pages_know_who_asks(page)


def until_the_snippet(page: Page, set_up: SetUp, server: WebServer) -> tuple[Person, str]:
    """To the page about the web server, which is found and does not pass anything on yet."""
    person = Person(page, set_up.world)
    person.arrive(set_up.start())
    person.give_address()
    person.choose_password()
    person.read_checks()
    person.is_at("DNS records")  # nobody has the ports yet, so nobody is asked
    with server.running():
        check_again(page)
        states = person.read_checks()
        assert (states["port-80"], states["port-443"]) == ("warn", "warn")
        person.is_at("Your web server")
        expect(page.locator("main p").first).to_contain_text(server.name)
        answers = try_names(page)
        assert len(answers) == 4
        assert not any(passed_on(answer) for answer in answers)
        return person, page.locator(f"#snippet-{server.name} pre").text_content() or ""


def until_it_works(person: Person, server: WebServer) -> None:
    """To the end of the set-up, with the pages of the server behind the web server too."""
    person.go_on()
    person.publish()
    person.install()
    server.take_pages(HOST, IPV4)
    names_are_served()
    wait_for(lambda: b"HTTP/1.1 303 " in fetch(HOST, "/admin/", 443), server.log)


def check_again(page: Page) -> None:
    page.get_by_role("link", name="This machine").click()
    page.get_by_role("button", name="Check everything again").click()


def try_names(page: Page) -> list[str]:
    """What the page says of each name over each protocol."""
    page.get_by_role("button", name="Test the web server").click()
    expect(page.locator("#results")).to_be_visible()
    return [row.inner_text() for row in page.locator("#results tbody tr").all()]


def passed_on(answer: str) -> bool:
    return PASSED_ON in answer


def names_are_served() -> None:
    """Settings for mail programs and the policy come through nginx, and nothing else does."""
    path = f"/mail/config-v1.1.xml?emailaddress={ADDRESS}"
    assert b"<clientConfig" in fetch(NAMES[1], path, 443)
    policy = fetch(NAMES[0], "/.well-known/mta-sts.txt", 443)
    assert b"version: STSv1" in policy
    assert f"mx: {HOST}".encode() in policy
    for name in NAMES:
        assert fetch(name, "/admin/", 443).startswith(b"HTTP/1.1 404 ")
    assert fetch(DOMAIN, "/", 443).endswith(OWN_SITE.encode())


def fetch(host: str, path: str, port: int) -> bytes:
    """The whole answer of whoever has the port."""
    with socket.create_connection((IPV4, port), timeout=30) as plain:
        connection = any_certificate().wrap_socket(plain, server_hostname=host) if port == 443 else plain
        with connection, connection.makefile("rwb") as stream:
            stream.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            stream.flush()
            return stream.read()


def the_pages_know_who_asks(page: Page) -> None:
    """The cookie of an administrator is one for TLS, and the address is the browser's, whatever that claims."""
    page.context.clear_cookies()
    page.set_extra_http_headers({"X-Forwarded-For": CLAIMED, "Forwarded": f"for={CLAIMED}", "X-Real-IP": CLAIMED})
    page.goto(f"https://{IPV4}/admin/")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    cookies = page.context.cookies(f"https://{IPV4}/admin/")
    assert [str(one["name"]).startswith("__Host-") for one in cookies] == [True]
    page.get_by_role("link", name="Sign-ins", exact=True).click()
    attempts = page.locator("#attempts ~ table").first
    expect(attempts).to_contain_text(IPV4)
    expect(attempts).not_to_contain_text(CLAIMED)
