"""An application of pages (account or admin) at its base path: who may see it, and what protects its forms.

Every page but the sign-in page needs a session, kept in server.db and named by a cookie that scripts cannot read and
that other sites cannot use (HttpOnly, SameSite=Strict, and the `__Host-` prefix with Secure over TLS). A form is taken
only when the browser says that it comes from a page of this host (Sec-Fetch-Site, Origin) and when it carries the
session's token. Exceptions of handlers become pages (`errors.py`). `signin.py` has the sign-in page.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.config.history import signed
from app.errors import Refusal
from app.store.websessions import Kind, WebSession
from app.web import statics
from app.web.client import client_ip, is_from_here, is_secure
from app.web.errors import NotFound, error_page
from app.web.exchange import exchange_of
from app.web.headers import SecurityHeaders
from app.web.services import Services
from app.web.visit import NavItem, PageRoute, Place, Visit, action, read_form

MAX_NOTICES = 1000
_FOREIGN = "this form is from another sign-in; go back, reload the page and try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What makes one application different from another."""

    kind: Kind
    title: str
    nav: Sequence[NavItem]
    routes: Sequence[PageRoute]


class Application:
    """The pages of one kind at one base path."""

    def __init__(self, pages: Pages, services: Services, *, base: str, is_forwarded: bool) -> None:
        self.kind = pages.kind
        self.services = services
        self.is_forwarded = is_forwarded
        self.place = Place(
            services=services, base=base, kind=pages.kind.value, title=pages.title, nav=pages.nav, notices={}
        )
        self._routes = (*pages.routes, action("/logout", self._sign_out))

    def asgi(self, sign_in: Sequence[Route]) -> Starlette:
        """The ASGI application; `sign_in` are the routes that need no session."""
        routes = [Route(one.path, self._guarded(one), methods=[one.method]) for one in self._routes]
        app = Starlette(
            routes=[*sign_in, *routes, statics.ROUTE],
            middleware=[Middleware(SecurityHeaders)],
            exception_handlers={404: self._not_found},
        )
        app.router.redirect_slashes = False  # it would send any host name back
        return app

    def cookie(self, request: Request, what: str = "") -> str:
        """The name of the session cookie, or another of ours: over TLS one that other host names cannot set."""
        prefix = "__Host-" if is_secure(request, is_forwarded=self.is_forwarded) else ""
        return f"{prefix}mox-{what or self.kind.value}"

    def set_cookie(self, response: Response, request: Request, name: str, value: str) -> None:
        """Set or (with an empty value) remove a cookie of this application."""
        secure = is_secure(request, is_forwarded=self.is_forwarded)
        path = "/" if secure else self.place.base  # __Host- wants the root
        response.set_cookie(
            name, value, max_age=None if value else 0, path=path, secure=secure, httponly=True, samesite="strict"
        )

    async def session(self, request: Request) -> WebSession | None:
        """The session that the request's cookie names."""
        token = request.cookies.get(self.cookie(request), "")
        return await self.services.server.sessions.find(self.kind, token) if token else None

    def _guarded(self, route: PageRoute) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await self._answer(route, request)
            except Exception as error:
                return error_page(error, self.place.base, exchange_of(request.scope))

        return answer

    async def _answer(self, route: PageRoute, request: Request) -> Response:
        exchange_of(request.scope).handler = self.kind.value
        session = await self.session(request)
        if session is None:
            return self._to_sign_in(request)
        exchange_of(request.scope).account = session.account
        if route.has_file:
            _require_from_here(request)
        elif route.method == "POST":
            await self._require_own_form(request, session)
        while len(self.place.notices) > MAX_NOTICES:
            del self.place.notices[next(iter(self.place.notices))]
        remote = client_ip(request, is_forwarded=self.is_forwarded)
        visit = Visit(request, self.place, session, remote)
        with signed(visit.by):
            return await route.handler(visit)

    async def _require_own_form(self, request: Request, session: WebSession) -> None:
        form = await read_form(request)
        token = form.value("csrf") or request.headers.get("x-mox-csrf", "")
        if not hmac.compare_digest(token.encode(), session.csrf.encode()):
            raise Refusal(_FOREIGN)
        _require_from_here(request)

    def _to_sign_in(self, request: Request) -> Response:
        """Signing in leads back to the page that was asked for; a form that was sent has to be filled in again."""
        where = f"{self.place.base}login"
        if request.method == "GET":
            path = request.url.path.removeprefix(self.place.base.rstrip("/"))
            query = f"?{request.url.query}" if request.url.query else ""
            where += f"?next={quote(path + query, safe='/')}" if path + query != "/" else ""
        return RedirectResponse(where, 303)

    async def _sign_out(self, visit: Visit) -> Response:
        await self.services.server.sessions.end(visit.session.id)
        response = visit.redirect("/login")
        self.set_cookie(response, visit.request, self.cookie(visit.request), "")
        return response

    async def _not_found(self, request: Request, error: Exception) -> Response:
        return error_page(NotFound(""), self.place.base)


def _require_from_here(request: Request) -> None:
    if not is_from_here(request):
        raise Refusal(_FOREIGN)
