"""The ASGI application of the set-up: the gate, the entry, and the pages of the steps."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.clock import Clock
from app.errors import MailError
from app.log import logger
from app.operations.adminpassword import hash_password
from app.store.account.credentials import verify_password
from app.web import statics
from app.web.forms import Form
from app.web.headers import SecurityHeaders
from app.web.templates import render
from quickstart.gate import CLAIM, ENTRY, SESSION_SCOPE, SIGN_IN, Gate, Rules, neutral, page_of, read_form
from quickstart.install import text_of
from quickstart.pages import dns, ending, installation, machine, proof, start, webserver
from quickstart.pages.visit import Page, Visit
from quickstart.wizard import Wizard

PAGES: tuple[Page, ...] = (
    *start.PAGES,
    *machine.PAGES,
    *webserver.PAGES,
    *dns.PAGES,
    *installation.PAGES,
    *proof.PAGES,
    *ending.PAGES,
)
SIGN_IN_PAUSE_S = 1.0  # after each wrong password; one at a time
MAX_FAILURES, FAILURES_S = 20, 3600.0
NOT_VALID = "This link is not valid, or not any more."
WRONG_PASSWORD = "This is not the administrator's password, or none has been chosen yet."

log = logger("quickstart")


def application(wizard: Wizard, rules: Rules) -> ASGIApp:
    """The whole."""
    entry = Entry(wizard, rules)
    routes = [
        Route("/", functools.partial(_first, wizard)),
        Route("/logout", functools.partial(_sign_out, wizard, rules), methods=["POST"]),
        *(_route(wizard, path, pages) for path, pages in _by_path().items()),
        statics.ROUTE,
    ]
    handlers = {404: _not_found, 405: _not_found, MailError: _explain, Exception: _apologise}
    inner = Starlette(routes=routes, exception_handlers=handlers)
    inner.router.redirect_slashes = False
    entrances = {ENTRY: entry.show, CLAIM: entry.claim, SIGN_IN: entry.sign_in}
    gate = Gate(inner, wizard.claims, rules, entrances)
    return SecurityHeaders(gate)


def _by_path() -> dict[str, list[Page]]:
    found: dict[str, list[Page]] = {}
    for page in PAGES:
        found.setdefault(page.path, []).append(page)
    return found


def _route(wizard: Wizard, path: str, pages: Collection[Page]) -> Route:
    by_method = {page.method: page for page in pages}

    async def answer(request: Request) -> Response:
        page = by_method["GET" if request.method == "HEAD" else request.method]
        progress = wizard.draft.progress
        if not progress.may_visit(page.step):
            return RedirectResponse(f"/{progress.next.value}", 303)
        return await page.handler(Visit(request, wizard, page.step))

    return Route(path, answer, methods=list(by_method))


async def _first(wizard: Wizard, request: Request) -> Response:
    return RedirectResponse(f"/{wizard.draft.progress.next.value}", 303)


async def _sign_out(wizard: Wizard, rules: Rules, request: Request) -> Response:
    wizard.claims.end_session(str(request.scope[SESSION_SCOPE]))
    response = RedirectResponse(ENTRY, 303)
    response.delete_cookie(rules.cookie, secure=rules.is_tls, httponly=True, samesite="strict")
    return response


async def _not_found(request: Request, error: Exception) -> Response:
    return neutral()


async def _explain(request: Request, error: Exception) -> Response:
    return HTMLResponse(page_of(_sentence(text_of(error))), 409, {"Cache-Control": "no-store"})


async def _apologise(request: Request, error: Exception) -> Response:
    log.error("set-up: a page failed", path=request.url.path, error=repr(error))
    return HTMLResponse(page_of("A fault of this program; the terminal says more. Go back and try again."), 500)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


class Entry:
    """The way in: by the link, or by the administrator's password once there is one."""

    def __init__(self, wizard: Wizard, rules: Rules, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._wizard = wizard
        self._rules = rules
        self._pause = pause
        self._one_by_one = asyncio.Lock()
        self._failures: list[float] = []

    async def show(self, request: Request) -> Response:
        """The same whatever the state; a browser that has its session goes on."""
        if self._wizard.claims.is_session(request.cookies.get(self._rules.cookie, "")):
            return RedirectResponse("/", 303)
        return self._page()

    async def claim(self, request: Request) -> Response:
        """Exchange the code of the link for a session."""
        form = await read_form(request)
        session = self._wizard.claims.claim(form.value("code").strip())
        return self._enter(session) if session else self._page(NOT_VALID, 403)

    async def sign_in(self, request: Request) -> Response:
        """Check the administrator's password, one at a time, and slowly after a wrong one."""
        form = await read_form(request)
        async with self._one_by_one:
            if self._is_guessing():
                return self._page("Too many wrong passwords; wait an hour, or make a new link.", 429)
            if await self._is_right(form.value("password")):
                return self._enter(self._wizard.claims.sign_in())
            self._failures.append(self._clock.monotonic())
            await self._pause(SIGN_IN_PAUSE_S)
        return self._page(WRONG_PASSWORD, 403)

    @property
    def _clock(self) -> Clock:
        return self._wizard.world.clock

    def _is_guessing(self) -> bool:
        now = self._clock.monotonic()
        self._failures = [when for when in self._failures if now - when < FAILURES_S]
        return len(self._failures) >= MAX_FAILURES

    async def _is_right(self, password: str) -> bool:
        stored = self._wizard.draft.admin_hash
        if not stored or len(password) > 1000:
            with_effort = "no password is set, and finding that out takes as long"
            await asyncio.to_thread(hash_password, with_effort)
            return False
        return await asyncio.to_thread(verify_password, stored.strip(), password)

    def _enter(self, session: str) -> Response:
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._rules.cookie, session, path="/", secure=self._rules.is_tls, httponly=True, samesite="strict"
        )
        return response

    def _page(self, failure: str = "", status: int = 200) -> Response:
        command = f"{self._wizard.world.program} setup-link"
        page = render("quickstart/entry.html", form=Form(), failure=failure, how=bool(failure), command=command)
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})
