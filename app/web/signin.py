"""The sign-in page of an application, for an account holder or the administrator.

A wrong password costs a second and is counted per network, as in every other protocol; what is shown is the same
whether the address exists or not. Each attempt is recorded. The form carries a token that a cookie repeats, so that
nobody is signed in by a form of another site. The administrator's attempts are kept under "(admin)".
"""

from __future__ import annotations

import asyncio
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.errors import MailError, Temporary
from app.ids import token
from app.operations import adminpassword
from app.store.signin import Failed, FailureKind, SignedIn, SignInAttempt, SignInContext
from app.store.websessions import Kind
from app.web.application import Application
from app.web.client import client_ip, is_from_here, is_secure
from app.web.errors import error_page
from app.web.forms import Form
from app.web.services import Services
from app.web.templates import render
from app.web.visit import read_form

WRONG_S = 1.0
ADMIN = "(admin)"
_TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_MAX_USER_AGENT = 200


@dataclass(frozen=True, slots=True)
class Who:
    """Who has signed in."""

    account: str  # "" for the administrator
    login_address: str


class Check(Protocol):
    """Checks what was typed; raises Wrong with what to say."""

    async def __call__(self, form: Form, context: SignInContext) -> Who: ...


class Wrong(MailError):
    """Not signed in, and why."""


class SignInPage:
    """/login of an application."""

    def __init__(self, application: Application, check: Check) -> None:
        self._application = application
        self._check = check

    @property
    def routes(self) -> list[Route]:
        """Its routes, which need no session."""
        return [Route("/login", self._show, methods=["GET"]), Route("/login", self._submit, methods=["POST"])]

    async def _show(self, request: Request) -> Response:
        if await self._application.session(request) is not None:
            return RedirectResponse(self._next(request), 303)
        return self._page(request, Form())

    def _page(self, request: Request, form: Form, status: int = 200) -> Response:
        place = self._application.place
        proof = self._proof(request) or token(_TOKEN_BYTES)
        values = {"form": form, "csrf": proof, "kind": place.kind, "site": place.title, "next": self._next(request)}
        headers = {"Cache-Control": "no-store"}
        response = HTMLResponse(render("login.html", base=place.base, **values), status, headers)
        self._application.set_cookie(response, request, self._cookie(request), proof)
        return response

    def _cookie(self, request: Request) -> str:
        return self._application.cookie(request, f"login-{self._application.kind.value}")

    def _proof(self, request: Request) -> str:
        """The token of the sign-in form, as its cookie has it; "" when that is none of ours."""
        proof = request.cookies.get(self._cookie(request), "")
        return proof if _TOKEN.fullmatch(proof) else ""

    def _next(self, request: Request) -> str:
        """Where to go afterwards: a page of this application, whatever the query says."""
        base = self._application.place.base
        path = request.query_params.get("next", "/")
        is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return base.rstrip("/") + (path if is_path and base.rstrip("/") + path != "" else "/")

    async def _submit(self, request: Request) -> Response:
        try:
            form = await read_form(request)
        except MailError as error:
            return error_page(error, self._application.place.base)
        proof = self._proof(request)
        is_own = bool(proof) and hmac.compare_digest(proof.encode(), form.value("csrf").encode())
        if not is_own or not is_from_here(request):
            form.fail("password", "The page was open for too long, or cookies are switched off. Please try again.")
            return self._page(request, form, 403)
        try:
            who = await self._check(form, self._context(request))
        except (Wrong, Temporary) as error:
            form.fail("password", str(error))
        return await self._signed_in(request, who) if form.is_ok else self._page(request, form, 403)

    def _context(self, request: Request) -> SignInContext:
        return SignInContext(
            protocol=f"web{self._application.kind.value}",
            remote=client_ip(request, is_forwarded=self._application.is_forwarded),
            tls=None,
            passwords_need_tls=False,
            tls_name="TLS" if is_secure(request, is_forwarded=self._application.is_forwarded) else "",
            user_agent=request.headers.get("user-agent", "")[:_MAX_USER_AGENT],
        )

    async def _signed_in(self, request: Request, who: Who) -> Response:
        """A session of its own for each sign-in: nothing that was known before is valid after."""
        application, context = self._application, self._context(request)
        made = await application.services.server.sessions.create(
            application.kind,
            who.account,
            login_address=who.login_address,
            remote=str(context.remote),
            user_agent=context.user_agent,
        )
        response = RedirectResponse(self._next(request), 303)
        application.set_cookie(response, request, application.cookie(request), made.token)
        application.set_cookie(response, request, self._cookie(request), "")
        return response


def account_check(services: Services) -> Check:
    """Checks an account holder's address and password."""

    async def check(form: Form, context: SignInContext) -> Who:
        address, password = form.text("address"), form.password("password")
        if not form.is_ok:
            raise Wrong("")
        if "\0" in address + password:
            raise Wrong("The address or the password is wrong.")
        exchange = services.signin.begin("PLAIN", context)
        result = await exchange.step(f"\0{address}\0{password}".encode("utf-8", "replace"))
        if isinstance(result, SignedIn):
            return Who(result.account_name, result.login_address)
        assert isinstance(result, Failed)
        if result.kind is not FailureKind.RATE_LIMITED:
            await asyncio.sleep(WRONG_S)
        raise Wrong(_ACCOUNT_TEXTS.get(result.kind) or result.text)

    return check


_ACCOUNT_TEXTS = {
    FailureKind.BAD_CREDENTIALS: "The address or the password is wrong.",
    FailureKind.SYNTAX: "The address or the password is wrong.",
    FailureKind.RATE_LIMITED: "There were too many wrong passwords from your network. Please wait a few minutes.",
    FailureKind.TEMPORARY: "This cannot be checked just now. Please try again in a minute.",
}


def admin_check(services: Services) -> Check:
    """Checks the administrator's password."""

    async def check(form: Form, context: SignInContext) -> Who:
        password = form.password("password")
        if not form.is_ok:
            raise Wrong("")
        signin = services.signin
        if not signin.allows(context.remote):
            _record(services, context, "ratelimited")
            raise Wrong(_ACCOUNT_TEXTS[FailureKind.RATE_LIMITED])
        stored = await asyncio.to_thread(_stored, services)
        failure = await signin.verify(context.remote, ADMIN, password, stored)
        _record(services, context, failure.value if failure else "ok")
        if failure is None:
            return Who("", "")
        if failure is FailureKind.RATE_LIMITED:
            raise Wrong(_ACCOUNT_TEXTS[failure])
        await asyncio.sleep(WRONG_S)
        raise Wrong("The password is wrong.")

    return check


def _stored(services: Services) -> str:
    """The hash of the administrator's password; raises Wrong with what to do when there is none."""
    name = services.live.static.admin_password_file
    if not name:
        raise Wrong("There is no administrator's password: mox.conf has no AdminPasswordFile.")
    try:
        stored = services.live.resolve(name).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise Wrong("The file of the administrator's password cannot be read; set one with: setadminpassword") from None
    if adminpassword.is_bcrypt(stored):
        raise Wrong("The password was set by the Go server; set a new one on this machine with: setadminpassword")
    return stored


def _record(services: Services, context: SignInContext, result: str) -> None:
    services.signin.record(
        SignInAttempt(context=context, mechanism="webform", login_address="", account_name=ADMIN, result=result)
    )


def sign_in_application(application: Application, kind: Kind, services: Services) -> SignInPage:
    """The sign-in page that fits an application."""
    return SignInPage(application, admin_check(services) if kind is Kind.ADMIN else account_check(services))
