"""Every page of the running server that links lead to, in a browser: the start page, the account, the administration.

The pages are found by following links from the first one, so a page that is added is checked without a word here.
Before that strangers have left their marks: names and programs with markup in what they sent, tried and called
themselves.
"""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
import urllib.parse
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.end_to_end.reading import ACCOUNT, PASSWORD, new_message, new_subject
from tests.support.browser import BRIEFLY, CHROMIUM, Watch, check_focus, check_page, open_browser, watched_page
from tests.support.built import Instance

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)")

ADMIN_PASSWORD = "moxadmin"
MARKUP = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
MAX_PAGES = 80
ALIKE = 2  # pages of the same path but for one part of it, or for the query, that are looked at
NO_TEXT = "".join(f":not([type={kind}])" for kind in ("hidden", "file", "checkbox", "radio"))
TEXT_FIELDS = f"input{NO_TEXT}:visible, textarea:visible"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def visited(server: Instance) -> Instance:
    """The server after strangers were there."""
    for port in (1080, 1443):
        server.wait_for(port)
    with smtplib.SMTP(server.ip, 1025, timeout=30) as client:
        client.send_message(new_message(f"{MARKUP} {new_subject()}"), from_addr=ACCOUNT, to_addrs=[ACCOUNT])
    for user in ("mox@localhost", f"{MARKUP}@localhost", "nobody@elsewhere.example"):
        with imaplib.IMAP4(server.ip, 1143, timeout=30) as client, contextlib.suppress(imaplib.IMAP4.error):
            client.login(user, "wrong")
    return server


def test_the_checks_of_pages_find_faults(browser: Browser) -> None:
    title = "<title>Faulty</title><main><h1>Faulty</h1>"
    for content, word in {
        f"<html lang=en>{title}<input>": "label",
        f"<html lang=en>{title}<p style='color:#999;background:#fff'>faint": "color-contrast",
        f"<html lang=en>{title}<pre>{'wide ' * 200}</pre>": "scrolls sideways",
        f"<html lang=en>{title}<h1>Again</h1>": "has 2 h1",
        f"<html lang=en>{title}<script>throw new Error('oops')</script>": "oops",
        f"<html lang=en>{title}<img alt='' src='http://127.0.0.1:9/'>": "request",
    }.items():
        with watched_page(browser) as (page, watch):
            page.set_content(content)
            with pytest.raises(AssertionError, match=word):
                check_page(page, watch)
    with watched_page(browser) as (page, _):
        page.set_content(
            f"<html lang=en>{title}<style>button {{ outline: none !important }}</style><button>Go</button>"
        )
        with pytest.raises(AssertionError, match="focus cannot be seen"):
            check_focus(page)


def test_start_page_and_sign_in_pages(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        for path in ("/", "/account/", "/admin/"):
            page.goto(f"http://{visited.ip}:1080{path}")
            check_page(page, watch, f"open {path}")
            check_focus(page)


@pytest.mark.parametrize("address", [MARKUP, "jürgen@örtchen.example", "no address"])
def test_a_wrong_password_is_said_beside_the_field(visited: Instance, browser: Browser, address: str) -> None:
    with watched_page(browser) as (page, watch):
        watch.may_refuse = True
        page.goto(f"http://{visited.ip}:1080/account/")
        page.get_by_label("Mail address").fill(address)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#password-error")).to_be_visible()
        expect(page.get_by_label("Mail address")).to_have_value(address)
        check_page(page, watch, "wrong password")


def test_a_page_that_there_is_not_leads_back(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        watch.may_refuse = True
        sign_in_to_account(page, visited)
        page.goto(f"http://{visited.ip}:1080/account/no/such/page")
        check_page(page, watch, "unknown page")
        page.get_by_role("main").get_by_role("link").first.click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def sign_in_to_account(page: Page, server: Instance, port: int = 1080) -> None:
    page.goto(f"{'https' if port == 1443 else 'http'}://{server.ip}:{port}/account/")
    page.get_by_label("Mail address").fill(ACCOUNT)
    sign_in(page, PASSWORD)


def sign_in_to_admin(page: Page, server: Instance) -> None:
    page.goto(f"https://{server.ip}:1443/admin/")
    sign_in(page, ADMIN_PASSWORD)


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_every_page_of_the_account(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        sign_in_to_account(page, visited)
        assert look_at_all(page, watch) >= 4


@pytest.mark.timeout(300)
def test_every_page_of_the_administration(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, watch):
        sign_in_to_admin(page, visited)
        assert look_at_all(page, watch) >= 1


def look_at_all(page: Page, watch: Watch) -> int:
    """Check the page that is open and all that links lead to, below its path; how many there were."""
    faults: list[str] = []
    number = 0
    for url in all_pages(page, faults):
        number += 1
        try:
            expect(page).not_to_have_title("pwned")
            check_page(page, watch, urllib.parse.urlsplit(url).path)
            check_focus(page)
        except AssertionError as error:
            faults.append(str(error))
    assert not faults, "\n\n".join(faults)
    return number


def all_pages(page: Page, faults: list[str]) -> Iterator[str]:
    """Open one page after the other; links that lead nowhere are faults."""
    base = page.url
    waiting, known, alike = [base], {base}, Counter[str]()
    while waiting and sum(alike.values()) < MAX_PAGES:
        url = waiting.pop(0)
        answer = page.goto(url)
        assert answer is not None
        if answer.status != 200:
            faults.append(f"a link leads to {url}: {answer.status}")
            continue
        alike[shape(url)] += 1
        yield url
        for found in page.eval_on_selector_all("a[href]:not([download])", "all => all.map((one) => one.href)"):
            link = urllib.parse.urldefrag(found).url
            if link.startswith(base) and link not in known and alike[shape(link)] < ALIKE:
                known.add(link)
                waiting.append(link)


def shape(url: str) -> str:
    """The same for pages that differ in one name or number, or in the query."""
    path = urllib.parse.urlsplit(url).path
    parts = path.split("/")
    return "/".join(part if index < 3 or part.isalpha() else "*" for index, part in enumerate(parts))


def test_a_part_that_refreshes_itself_lets_the_focus_be(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, _):
        sign_in_to_admin(page, visited)
        asked: list[Route] = []
        page.route("**/dns/state", lambda route: asked.append(route))
        page.goto(f"https://{visited.ip}:1443/admin/domains/localhost/dns")
        records = page.locator("#records")
        button = records.get_by_role("button").first
        answer_next(page, asked, "<p>First</p><button>Copy</button>")
        expect(records).to_have_text("FirstCopy")
        wait_for_question(page, asked)
        button.focus()
        answer_next(page, asked, "<p>Second</p>")
        page.wait_for_timeout(300)
        expect(button).to_be_focused()
        page.get_by_role("link", name="Addresses").focus()
        answer_next(page, asked, "<p>Third</p>")
        expect(records).to_have_text("Third")
        page.unroute_all(behavior="ignoreErrors")


def answer_next(page: Page, asked: list[Route], html: str) -> None:
    wait_for_question(page, asked)
    asked.pop(0).fulfill(content_type="text/html", body=html)


def wait_for_question(page: Page, asked: list[Route]) -> None:
    for _ in range(100):
        if asked:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the page asked for nothing")


def test_downloads_have_content(visited: Instance, browser: Browser) -> None:
    with watched_page(browser) as (page, _):
        sign_in_to_account(page, visited)
        links = {
            link
            for _ in all_pages(page, [])
            for link in page.eval_on_selector_all("a[href][download]", "all => all.map((one) => one.href)")
        }
        assert links
        for link in links:
            answer = page.request.get(link)
            assert answer.ok, link
            assert answer.body(), link


def test_without_scripts_one_signs_in_and_changes_the_password(visited: Instance, browser: Browser) -> None:
    with watched_page(browser, java_script_enabled=False) as (page, _):
        sign_in_to_account(page, visited)
        page.get_by_role("link", name="Password").first.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("application", ["account", "admin"])
def test_nonsense_in_every_form_is_answered_with_a_page(visited: Instance, browser: Browser, application: str) -> None:
    """Each field of each form gets markup; whatever is said to it, or saved of it, is shown as text."""
    with watched_page(browser) as (page, watch):
        watch.may_refuse = True
        sign_in_to_account(page, visited) if application == "account" else sign_in_to_admin(page, visited)
        faults: list[str] = []
        for url in list(all_pages(page, faults)):
            for index in range(len(forms_with_fields(page, url))):
                send_nonsense(forms_with_fields(page, url)[index])
                try:
                    expect(page).not_to_have_title("pwned")
                    check_page(page, watch, f"nonsense {urllib.parse.urlsplit(url).path} {index}", BRIEFLY)
                except AssertionError as error:
                    faults.append(f"after nonsense in form {index} of {url}: {error}")
        assert not faults, "\n\n".join(faults)


def forms_with_fields(page: Page, url: str) -> list[Locator]:
    """The forms of a page in which something can be typed."""
    page.goto(url)
    return [form for form in page.locator("form").all() if form.locator(TEXT_FIELDS).count()]


def send_nonsense(form: Locator) -> None:
    form.evaluate("form => { form.noValidate = true; for (let up = form; up; up = up.parentElement) up.open = true; }")
    # A field for days takes nothing else; what a program sends in its place is another matter.
    form.evaluate("form => form.querySelectorAll('[type=date]').forEach(field => field.type = 'text')")
    for text_field in form.locator(TEXT_FIELDS).all():
        is_number = text_field.get_attribute("type") == "number"
        text_field.fill("-1" if is_number else MARKUP)
    form.locator("button:visible").first.click()
