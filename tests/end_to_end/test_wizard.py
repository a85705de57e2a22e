"""The set-up in the browser, from `python3 mox.pyz` in an empty directory to a server that takes and sends mail.

Everything outside the machine is `closednet`: the person of these tests owns a domain there and publishes what the
pages ask for. The machine is this one in disguise, so that the set-up runs as root, makes its system user and opens the
real ports.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import imaplib
import itertools
import smtplib
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.settingup import ADDRESS, ADMIN_PASSWORD, OLD_ADDRESS, Person, SetUp, no_look
from tests.support.browser import CHROMIUM, Watch, check_focus, check_page, open_browser, watched_page
from tests.support.built import mox, open_place, readable_archive
from tests.support.certificates import write_pair
from tests.support.closednet import DOMAIN, HOST, IPV4, World, closed_network, reverse_name
from tests.support.namespace import skip_reason

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)"),
    pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()),
]

CLAIMS = 1000
PLACE = ("127.0.0.1", 8000)
MARKUP = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"


@dataclass(frozen=True, slots=True)
class Scene:
    """One machine without a configuration, its world, and a browser that can reach it."""

    world: World
    set_up: SetUp
    browser: Browser

    @contextlib.contextmanager
    def person(self) -> Iterator[tuple[Person, Watch]]:
        """Somebody with a browser that nobody knows."""
        with watched_page(self.browser, accept_downloads=True) as (page, watch):
            yield Person(page, self.world), watch


@pytest.fixture
def set_up() -> Iterator[SetUp]:
    readable_archive()  # building it may need the real network
    with open_place() as place, closed_network(place) as world:
        directory = place / "mail"
        directory.mkdir(mode=0o755)
        yield SetUp(world, directory)


@pytest.fixture
def scene(set_up: SetUp) -> Iterator[Scene]:
    with open_browser() as browser:
        yield Scene(set_up.world, set_up, browser)


def test_from_an_empty_directory_to_mail_in_both_directions(scene: Scene) -> None:
    set_up, world = scene.set_up, scene.world
    with scene.person() as (person, watch):
        person.look = functools.partial(look_closely, person.page, watch)
        person.arrive(set_up.start())
        person.give_address()
        person.choose_password()
        states = person.read_checks()
        not_fine = {key: state for key, state in states.items() if state != "ok"}
        assert not_fine == {"hostname": "warn", "reverse": "bad"}, "only the records of the machine are missing"
        person.publish()
        person.install()
        assert world.disguise.has_user("mox")
        subject = new_subject()
        world.send(new_message(subject, author="friend@gmail.com"), ADDRESS)
        person.sees_arriving(subject)
        person.send_to_old_address()
        (taken,) = world.received
        assert taken.recipients == [f"<{OLD_ADDRESS}>"]
        assert f"d={DOMAIN}".encode() in taken.data
        person.leave_proof()
        password = person.make_password()
        for item in ("runs", "records_published", "reverse_dns", "can_send", "has_received", "has_sent"):
            wait_for(functools.partial(person.is_on_checklist, item), set_up.log)
        person.finish()
    assert subjects_in_inbox(password) == [subject]
    submit(password, new_subject())
    wait_for(lambda: len(world.received) == 2, set_up.log)
    wait_for(lambda: not (set_up.directory / "setup").exists(), set_up.log)
    with scene.person() as (person, watch):
        administrator_signs_in(person.page)
        check_page(person.page, watch, "admin after set-up")
    assert set_up.stop() == 0


def look_closely(page: Page, watch: Watch, name: str) -> None:
    check_page(page, watch, f"wizard {name}")
    check_focus(page)


def subjects_in_inbox(password: str) -> list[str]:
    with imaplib.IMAP4_SSL(IPV4, 993, ssl_context=any_certificate(), timeout=30) as client:
        client.login(ADDRESS, password)
        client.select("INBOX", readonly=True)
        answer = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    return [item[1].decode().partition(":")[2].strip() for item in answer if isinstance(item, tuple)]


def submit(password: str, subject: str) -> None:
    with smtplib.SMTP_SSL(IPV4, 465, timeout=30, context=any_certificate()) as client:
        client.login(ADDRESS, password)
        client.send_message(new_message(subject, author=ADDRESS), from_addr=ADDRESS, to_addrs=[OLD_ADDRESS])


def administrator_signs_in(page: Page) -> None:
    page.goto("http://127.0.0.1/admin/")
    page.get_by_label("Password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_killed_at_each_step_it_goes_on_there(scene: Scene) -> None:
    set_up = scene.set_up

    def kill(person: Person, title: str) -> None:
        person.is_at(title)
        set_up.kill()
        set_up.start()
        person.read_again(title)

    with scene.person() as (person, _):
        person.arrive(set_up.start())
        kill(person, "Your mail address")
        person.give_address()
        kill(person, "Administrator's password")
        person.choose_password()
        kill(person, "This machine")
        person.read_checks()
        records = zone_file(person.page)
        kill(person, "DNS records")
        assert zone_file(person.page) == records, "what was shown stays true"
        person.publish()
        kill(person, "Review")
        person.page.get_by_role("button", name="Install and start").click()
        for trace in ("setup/installing", "data", "config", "serve.log"):
            wait_for((set_up.directory / trace).exists, set_up.log)
            kill(person, "Install")
            person.page.get_by_role("button", name="Install and start").click()
        person.wait_for_server()
        kill(person, "Does mail work?")
        person.send_to_old_address()
        person.leave_proof()
        kill(person, "Your devices")
        password = person.make_password()
        kill(person, "Done")
        person.finish()
    assert set_up.wait() == 0, "the server goes on without the program, whose child it is not any more"
    assert subjects_in_inbox(password) == []


def zone_file(page: Page) -> str:
    page.goto("http://127.0.0.1:8000/dns")
    return page.request.get("http://127.0.0.1:8000/dns/zone").text()


def test_of_many_parallel_claims_one_wins(set_up: SetUp) -> None:
    link = set_up.start()
    request = claim_request(link.partition("#")[2])
    with contextlib.ExitStack() as stack:
        browsers = [stack.enter_context(socket.create_connection(PLACE, timeout=30)) for _ in range(CLAIMS)]
        for browser in browsers:
            browser.sendall(request)
        answers = [answer_of(browser) for browser in browsers]
    won = [answer for answer in answers if answer.startswith(b"HTTP/1.1 303 ")]
    assert len(won) == 1
    assert all(answer.startswith(b"HTTP/1.1 403 ") for answer in answers if answer not in won)
    assert b"set-cookie: setup=" in won[0]
    assert all(b"set-cookie" not in answer for answer in answers if answer not in won)


def test_five_wrong_codes_end_a_link_and_setup_link_makes_another(set_up: SetUp) -> None:
    code = set_up.start().partition("#")[2]
    for _ in range(5):
        assert b" 403 " in ask(claim_request("0" * len(code)))
    assert b"setup-link" in ask(claim_request(code)), "the page says how to go on"
    (line,) = mox("setup-link", folder=str(set_up.directory)).splitlines()
    assert b" 303 " in ask(claim_request(line.partition("#")[2]))


@pytest.mark.parametrize("path", ["/", "/address", "/done", "/dns/zone", "/nothing", "/static/../setup/link"])
def test_without_a_session_every_path_gives_one_and_the_same_page(set_up: SetUp, path: str) -> None:
    set_up.start()
    answer = ask(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"The link is in the terminal where it was started." in answer
    assert b"mox" not in answer.lower()


@pytest.mark.parametrize("host", ["evil.example", "garden.example", MARKUP, "127.0.0.1.evil.example", "a" * 5000])
def test_names_that_are_not_of_this_machine_are_turned_away(set_up: SetUp, host: str) -> None:
    set_up.start()
    answer = ask(f"GET /setup HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 400 "))
    assert host.encode() not in answer


def claim_request(code: str) -> bytes:
    body = f"code={code}"
    head = (
        f"POST /claim HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nOrigin: http://127.0.0.1:8000\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def ask(request: bytes) -> bytes:
    with socket.create_connection(PLACE, timeout=30) as browser:
        browser.sendall(request)
        return answer_of(browser)


def answer_of(browser: socket.socket) -> bytes:
    with browser.makefile("rb") as file:
        return file.read()


def test_strings_of_strangers_are_shown_as_text(scene: Scene) -> None:
    set_up, world = scene.set_up, scene.world
    name = "<script>pwned</script>.evil.example"
    world.zone[reverse_name(IPV4)] = {"PTR": [name]}
    world.zone[DOMAIN] |= {"MX": [f"10 {name}"], "TXT": [f"v=spf1 {MARKUP} -all", MARKUP]}
    world.zone[f"_dmarc.{DOMAIN}"] = {"TXT": [f"v=DMARC1; p={MARKUP}"]}
    for sink in world.sinks:
        sink.faults["greeting"] = f"220 mx{sink.host} {MARKUP}\r\n".encode()
        sink.faults["rcpt"] = f"451 4.3.0 {MARKUP}\r\n".encode()
    with scene.person() as (person, watch):

        def look(page_name: str) -> None:
            person.page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
            expect(person.page).not_to_have_title("pwned")
            if page_name in strange:
                for text in strange[page_name]:
                    expect(person.page.get_by_text(text).first).to_be_visible()
            check_page(person.page, watch, f"wizard strangers {page_name}")

        strange = {"machine": [name, MARKUP], "dns-after": [MARKUP], "proof": [MARKUP]}
        person.arrive(set_up.start())
        person.give_address()
        person.choose_password()
        person.look = look
        person.read_checks()
        person.see_records()
        person.look = no_look
        world.zone[DOMAIN]["MX"] = [f"10 {HOST}"]
        world.zone[HOST] = {"A": [IPV4]}
        person.install()
        message = new_message(MARKUP, author="friend@gmail.com")
        message.replace_header("From", f'"{MARKUP}" <friend@gmail.com>'.replace('"document', "'document"))
        world.send(message, ADDRESS)
        person.sees_arriving(MARKUP)
        person.page.get_by_label("An address that you have elsewhere").fill(OLD_ADDRESS)
        person.page.get_by_role("button", name="Send it").click()
        expect(person.page.locator("#send").get_by_text("The last attempt failed")).to_be_visible()
        look("proof")


def test_with_a_web_server_that_stays_names_are_passed_on_to_this_server(scene: Scene) -> None:
    set_up = scene.set_up
    with scene.person() as (person, watch), web_server(set_up.directory.parent):
        person.arrive(set_up.start())
        person.give_address()
        person.choose_password()
        states = person.read_checks()
        assert (states["port-80"], states["port-443"]) == ("warn", "warn")
        person.is_at("Your web server")
        person.page.get_by_role("button", name="Test the web server").click()
        expect(person.page.get_by_text("Passed on to us.")).to_have_count(4)
        check_page(person.page, watch, "wizard web server")
        person.go_on()
        person.publish()
        person.install()
        url = f"https://autoconfig.{DOMAIN}/mail/config-v1.1.xml?emailaddress={ADDRESS}"
        answer = fetch_from(IPV4, url)
        assert b"<clientConfig" in answer


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[None]:
    """A web server on ports 80 and 443 that passes every request on to port 81, as the snippets tell it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_pair(folder, f"*.{DOMAIN}"))
    with contextlib.ExitStack() as stack:
        for ip, port in itertools.product((IPV4, "127.0.0.1"), (80, 443)):
            server = stack.enter_context(http.server.ThreadingHTTPServer((ip, port), PassOn))
            if port == 443:
                server.socket = context.wrap_socket(server.socket, server_side=True)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield


class PassOn(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:81{self.path}", headers={"Host": self.headers["Host"]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass


def fetch_from(ip: str, url: str) -> bytes:
    """The answer of whoever is at an address, whatever its certificate."""
    parts = urllib.parse.urlsplit(url)
    request = urllib.request.Request(f"https://{ip}{parts.path}?{parts.query}", headers={"Host": parts.netloc})
    with urllib.request.urlopen(request, timeout=30, context=any_certificate()) as answer:
        return answer.read()
