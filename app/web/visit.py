"""One request of a signed-in person, as the handlers of pages see it.

    async def show(visit: Visit) -> Response:
        return visit.render("admin/domains.html", domains=...)

    async def add(visit: Visit) -> Response:
        form = await visit.form()
        domain = form.parsed("domain", parse_domain)
        if not form.is_ok: return visit.render("admin/domains.html", 422, form=form, ...)
        ...
        return visit.redirect("/domains", done="Domain added.")

    ROUTES = (page("/domains", show), action("/domains/add", add))

`application.py` has checked session, origin and CSRF token before a handler runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.errors import Refusal
from app.limits import IpAddress
from app.store.websessions import WebSession
from app.web.forms import Form
from app.web.services import Services
from app.web.templates import render

MAX_FORM_BYTES = 1 << 20
MAX_FORM_FIELDS = 2000
_OFF_THE_LOOP_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the menu."""

    path: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page stands: its application."""

    services: Services
    base: str  # path below which the application is, with final slash
    kind: str  # "admin" or "account"
    title: str
    nav: Sequence[NavItem]
    notices: dict[int, str]  # by session, for the next page it sees


@dataclass(slots=True)
class Visit:
    """A request with all that its handler may need."""

    request: Request
    place: Place
    session: WebSession
    remote: IpAddress

    @property
    def services(self) -> Services:
        """The objects of the running server."""
        return self.place.services

    @property
    def params(self) -> Mapping[str, str]:
        """The variable parts of the path."""
        return self.request.path_params

    @property
    def by(self) -> str:
        """Who makes a change, for the history of the configuration."""
        who = f"account {self.session.account}" if self.session.account else "admin"
        return f"{who} page from {self.remote}"

    def url(self, path: str = "/") -> str:
        """The address of a page of this application."""
        return self.place.base.rstrip("/") + path

    def render(self, template: str, status: int = 200, /, **values: object) -> Response:
        """The page, with menu, notice and CSRF token."""
        values.setdefault("form", Form())
        here = self.request.url.path.removeprefix(self.place.base.rstrip("/")) or "/"
        page = render(
            template,
            base=self.place.base,
            csrf=self.session.csrf,
            session=self.session,
            nav=self.place.nav,
            here=here,
            site=self.place.title,
            now=self.services.clock.now(),
            notice=self.place.notices.pop(self.session.id, ""),
            **values,
        )
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})

    def redirect(self, path: str, done: str = "") -> Response:
        """Go on to another page, which says what was done."""
        if done:
            self.place.notices[self.session.id] = done
        return RedirectResponse(self.url(path), 303)

    async def form(self) -> Form:
        """The fields that were sent."""
        return await read_form(self.request)


async def read_form(request: Request) -> Form:
    """The fields of a request's body; raises Refusal when it is too large or no form. Reads the body once."""
    known: Form | None = getattr(request.state, "form", None)
    if known is None:
        known = request.state.form = await _parse(await _body(request))
    return known


async def _body(request: Request) -> bytes:
    """At most MAX_FORM_BYTES, whatever Content-Length says."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal("this is not a form that a page of ours sends")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Refusal(f"this form is too large; {MAX_FORM_BYTES >> 10} kB fit")
    return bytes(body)


async def _parse(body: bytes) -> Form:
    return await asyncio.to_thread(_fields, body) if len(body) > _OFF_THE_LOOP_BYTES else _fields(body)


def _fields(body: bytes) -> Form:
    try:
        text = body.decode("ascii")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"))
    except ValueError:  # UnicodeDecodeError, too
        raise Refusal("this form cannot be understood; please reload the page and try again") from None


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A path of an application and what answers it."""

    path: str
    handler: Handler
    method: str
    has_file: bool = False  # its handler reads the form, and checks the token (`uploadform`)


def page(path: str, handler: Handler) -> PageRoute:
    """A page to look at."""
    return PageRoute(path, handler, "GET")


def action(path: str, handler: Handler) -> PageRoute:
    """What a form does."""
    return PageRoute(path, handler, "POST")


def upload(path: str, handler: Handler) -> PageRoute:
    """What a form with a file does."""
    return PageRoute(path, handler, "POST", has_file=True)
