"""The set-up in the browser, from `python3 mox.pyz` in an empty directory to a server that takes and sends mail.

Everything outside the machine is `closednet`: the person of these tests owns a domain there and publishes what the
pages ask for. The machine is this one in disguise, so that the set-up runs as root, makes its system user and opens the
real ports.
"""

from __future__ import annotations

import contextlib
import functools
import imaplib
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.settingup import ADDRESS, ADMIN_PASSWORD, OLD_ADDRESS, Person, SetUp
from tests.support.browser import CHROMIUM, Watch, check_focus, check_page, open_browser, watched_page
from tests.support.built import open_place, readable_archive
from tests.support.closednet import DOMAIN, IPV4, World, closed_network
from tests.support.namespace import skip_reason

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)"),
    pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()),
]

CLAIMS = 1000
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
def scene() -> Iterator[Scene]:
    readable_archive()  # building it may need the real network
    with open_place() as place, closed_network(place) as world, open_browser() as browser:
        directory = place / "mail"
        directory.mkdir(mode=0o755)
        yield Scene(world, SetUp(world, directory), browser)


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
