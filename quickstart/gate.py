"""Who may talk to the set-up at all: the first thing every request meets.

    Host     an IP address, localhost, or this machine's own name; a page of somebody else's that has its name point at
             us (DNS rebinding) sends another one
    Origin   for POST: our own
    session  the cookie of a browser that claimed; without it there are the entry page, what it posts to, the files of
             pages, and one neutral answer to everything else, whatever state the set-up is in
    CSRF     for POST with a session: the token that our forms carry

The neutral page tells nobody which program this is, of what version, or whether it was claimed.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Refusal
from app.web.client import host_name, is_near
from app.web.forms import Form
from app.web.templates import render
from quickstart.claim import Claims, csrf_token

MAX_FORM_BYTES = 64 << 10
MAX_FORM_FIELDS = 50
SESSION_SCOPE = "setup.session"
FORM_SCOPE = "setup.form"
ENTRY, CLAIM, SIGN_IN, STATIC = "/setup", "/claim", "/login", "/static/"
_OPEN = {("GET", ENTRY), ("HEAD", ENTRY), ("POST", CLAIM), ("POST", SIGN_IN)}

Open = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the gate goes by."""

    is_tls: bool
    names: Collection[str] = ()  # of this machine, beside localhost and IP addresses

    @property
    def cookie(self) -> str:
        """The session cookie; the prefix makes browsers keep others from setting it, and needs TLS."""
        return "__Host-setup" if self.is_tls else "setup"

    @property
    def scheme(self) -> str:
        """Of our addresses."""
        return "https" if self.is_tls else "http"

    def is_own_host(self, host: str) -> bool:
        """Whether this is a name by which people reach us."""
        name = host_name(host)
        return is_near(name) or name in self.names


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, claims: Claims, rules: Rules, entrances: Mapping[str, Open]) -> None:
        """`entrances` answer ENTRY, CLAIM and SIGN_IN."""
        self.app = app
        self._claims = claims
        self._rules = rules
        self._entrances = entrances

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._admit(request)
        except Refusal as refusal:
            response = HTMLResponse(page_of(refusal.public), 400, {"Cache-Control": "no-store"})
        await (response or self.app)(scope, receive, send)

    async def _admit(self, request: Request) -> Response | None:
        """The answer to who may not go on; None lets the request through."""
        host = request.headers.get("host", "")
        is_post = request.method == "POST"
        if not self._rules.is_own_host(host):
            return neutral(421)
        if is_post and request.headers.get("origin") != f"{self._rules.scheme}://{host}":
            return neutral(403)
        path = str(request.scope["path"])  # what routes go by; request.url is put together from the Host field, too
        if path.startswith(STATIC) and not is_post:
            return None
        session = request.cookies.get(self._rules.cookie, "")
        if (request.method, path) in _OPEN:
            return await self._entrances[path](request)
        if not session or not self._claims.is_session(session):
            return neutral()
        if is_post:
            form = request.scope[FORM_SCOPE] = await read_form(request)
            if not hmac.compare_digest(form.value("csrf").encode("utf-8", "replace"), csrf_token(session).encode()):
                return neutral(403)
        request.scope[SESSION_SCOPE] = session
        return None


def neutral(status: int = 404) -> Response:
    """The answer to everybody who has no business here."""
    return HTMLResponse(render("quickstart/neutral.html"), status, {"Cache-Control": "no-store"})


def page_of(sentence: str) -> str:
    """A page that says one thing."""
    return render("quickstart/sentence.html", sentence=sentence)


async def read_form(request: Request) -> Form:
    """The fields of a request's body, which is read once; raises Refusal when it is too large or no form."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Refusal("This form is too large.")
    try:
        text = bytes(body).decode("ascii")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"))
    except ValueError:  # UnicodeDecodeError, too
        raise Refusal("This form cannot be understood; reload the page and try again.") from None
