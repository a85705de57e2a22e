"""Chromium for tests, and what every page of ours must pass.

`open_browser` starts Debian's Chromium without a word to anybody outside. `watched_page` is a page whose console
errors, failed requests and refused contents are kept; `check_page` looks at it as it stands, in both colour schemes, at
320 and 1280 pixels: nothing to scroll sideways, no fault that axe-core calls serious, one heading of the first rank,
every control named, the focus always to be seen. With MOX_TEST_SCREENSHOTS set to a directory, pictures of every
checked page go there, for people to look at.

Playwright's loop runs in the thread that started it: no `asyncio.run` in tests that use a browser.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian: apt install chromium)")
SCREENSHOTS = os.environ.get("MOX_TEST_SCREENSHOTS", "")
WIDE, NARROW = 1280, 320
WAIT_MS = 15_000
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Look:
    """One way to see a page, and whether axe-core judges it too, which takes most of the time."""

    scheme: Literal["light", "dark"]
    width: int
    is_judged: bool = False


THOROUGHLY = (
    Look("dark", NARROW, is_judged=True),
    Look("light", NARROW),
    Look("dark", WIDE),
    Look("light", WIDE, is_judged=True),  # the last, as the page stays so
)
BRIEFLY = (Look("light", NARROW, is_judged=True),)

_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_ABORTED = "net::ERR_ABORTED"  # by going on to another page

# What is wider than the page: the outermost elements that stick out, for the message.
_STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
  const out = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1);
  return out.filter((one) => !out.includes(one.parentElement)).slice(0, 5)
    .map((one) => one.outerHTML.slice(0, 160)).concat(["(scrolls sideways)"]);
}"""
_TO_THE_TOP = """() => {
  const top = document.body;
  top.tabIndex = -1;
  top.focus();
  top.removeAttribute("tabindex");
}"""
# What has the focus, and whether one sees that it has.
_FOCUS = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return null;
  const style = getComputedStyle(here), box = here.getBoundingClientRect();
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
  return { html: here.outerHTML.slice(0, 160), seen: ring && box.width > 0 && box.height > 0 };
}"""
_CONTROLS = ", ".join(
    f"{one}:visible:enabled" for one in ("a[href]", "button", "input", "select", "textarea", "summary")
)
MAX_TABS = 60


@dataclass(slots=True)
class Watch:
    """What went wrong on a page that nobody would see."""

    problems: list[str] = field(default_factory=list)
    may_refuse: bool = False  # the test expects 4xx answers

    def attach(self, page: Page) -> None:
        """Listen to everything."""
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("requestfailed", lambda request: self._failed(request))
        page.on("response", lambda response: self._answered(response))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not ("Failed to load resource" in text and "status of 4" in text):
            self.problems.append(f"console: {text}")

    def _failed(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self.problems.append(f"request: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and not self.may_refuse):
            self.problems.append(f"response: {response.url}: {response.status}")

    def take(self) -> list[str]:
        """The problems so far, once."""
        taken, self.problems = self.problems, []
        return taken


@contextlib.contextmanager
def open_browser(*arguments: str) -> Iterator[Browser]:
    """A browser while the block lasts; `arguments` are added to its command line."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_QUIET, *arguments])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def watched_page(browser: Browser, **options: Any) -> Iterator[tuple[Page, Watch]]:
    """A page in a profile of its own. Certificates are not judged: ours are made by ourselves."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": WIDE, "height": 900}, **options)
    try:
        page, watch = context.new_page(), Watch()
        page.set_default_timeout(WAIT_MS)
        watch.attach(page)
        yield page, watch
    finally:
        context.close()


def check_page(page: Page, watch: Watch, name: str = "", looks: Sequence[Look] = THOROUGHLY) -> None:
    """Everything that every page must pass; fails with all of it."""
    faults = [*watch.take(), *_headings(page)]
    for look in looks:
        page.emulate_media(color_scheme=look.scheme)
        page.set_viewport_size({"width": look.width, "height": 900})
        found = [*page.evaluate(_STICKING_OUT), *(_axe(page) if look.is_judged else ())]
        faults += [f"{look.scheme}, {look.width} pixels: {fault}" for fault in found]
        if SCREENSHOTS:
            _picture(page, f"{name or page.title()}-{look.scheme}-{look.width}")
    faults += watch.take()
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def _headings(page: Page) -> list[str]:
    number = page.locator("h1").count()
    return [] if number == 1 else [f"has {number} h1"]


def _axe(page: Page) -> Iterator[str]:
    response = _engine().run(page, options=_AXE).response
    for fault in response["violations"]:
        if fault["impact"] in ("serious", "critical"):
            places = "; ".join(node["html"][:160] for node in fault["nodes"][:3])
            yield f"{fault['id']} ({fault['impact']}): {fault['help']}: {places}"


@cache
def _engine() -> Axe:
    return Axe()


def _picture(page: Page, name: str) -> None:
    folder = Path(SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png", full_page=True)


def check_focus(page: Page) -> None:
    """By the Tab key alone, every control can be reached, and one sees where one is."""
    page.evaluate(
        "() => { const top = document.body; top.tabIndex = -1; top.focus(); top.removeAttribute('tabindex'); }"
    )
    wanted = _stops(page)
    seen: list[str] = []
    for _ in range(min(wanted + 5, MAX_TABS)):
        page.keyboard.press("Tab")
        here = page.evaluate(_FOCUS)
        if here is None:
            break
        assert here["seen"], f"{page.url}: the focus cannot be seen on {here['html']}"
        seen.append(here["html"])
    wanted = min(wanted, _stops(page))  # a part that refreshes itself may have fewer by now
    assert len(seen) >= min(wanted, MAX_TABS), f"{page.url}: Tab reaches {len(seen)} of {wanted}: {seen}"


def _stops(page: Page) -> int:
    """How many stops the Tab key has to make; a group of radio buttons is one."""
    return page.locator(_CONTROLS).count() - page.locator("input[type=radio]:visible").count()
