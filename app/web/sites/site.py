"""The web sites of a port, in front of its own pages: the rules of domains.conf, asked one after the other.

    redirects of whole domains · handlers in order, each may pass · 404 for a name of sites · the pages of the port

A request without TLS goes to https first, unless the handler says DontRedirectPlainHTTP. A changed configuration is in
effect with the next request. The name of who answered goes into the exchange, for log and metrics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config.live import Live
from app.config.webhandlers import InternalService, WebHandler
from app.errors import WireError
from app.net.httpclient import Backends
from app.web.client import host_name
from app.web.exchange import exchange_of
from app.web.public.hosts import is_of_server
from app.web.sites.compressing import compressing
from app.web.sites.forward import Forward
from app.web.sites.pathrules import clean_path
from app.web.sites.redirect import AskedUrl, NotFound, redirect_target
from app.web.sites.rules import Match, Rules
from app.web.sites.staticfiles import StaticFiles, StaticOptions
from app.wire.domain import Domain, parse_domain

MAX_PATH = 8192  # characters that rules are asked about
PERMANENT = 308
HTTPS_PORT = 443

Action = Callable[[Match, Scope, Receive, Send], Awaitable[bool]]
OwnPages = Callable[[InternalService, str], ASGIApp | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What the sites of a port need."""

    live: Live
    backends: Backends
    own_pages: OwnPages  # our own pages below a path; None for those that do not exist
    https_port: int = HTTPS_PORT  # where the same sites are with TLS


@dataclass(slots=True)
class _State:
    """The rules of one state of the configuration, and what was made for its handlers."""

    rules: Rules
    actions: dict[int, Action] = field(default_factory=dict)


class Sites:
    """ASGI: answers what a rule is for, and leaves the rest to the application behind it."""

    def __init__(self, behind: ASGIApp, options: SiteOptions) -> None:
        self._behind = behind
        self._options = options
        self._state = _State(Rules(options.live.dynamic))
        self._files = StaticOptions.below(options.live.data_dir / "tmp" / "httpcompress")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._current()
        host = _host(scope) if scope["type"] == "http" else None
        if host is None or not state.rules.is_site(host):
            await self._behind(scope, receive, send)
            return
        if not await self._answer(state, host, scope, receive, send):
            await self._not_matched(host, scope, receive, send)

    def _current(self) -> _State:
        dynamic = self._options.live.dynamic
        if dynamic is not self._state.rules.dynamic:
            self._state = _State(Rules(dynamic))
        return self._state

    async def _answer(self, state: _State, host: Domain, scope: Scope, receive: Receive, send: Send) -> bool:
        if len(scope["path"]) > MAX_PATH:
            await PlainTextResponse("414 - this address is too long\n", 414)(scope, receive, send)
            return True
        exchange = exchange_of(scope)
        if (target := state.rules.redirects.get(host)) is not None:
            exchange.handler, exchange.is_site = "(domainredirect)", True
            await self._to_https(target, scope)(scope, receive, send)
            return True
        path = clean_path(scope["path"])
        for match in state.rules.matches(host, path):
            exchange.handler, exchange.is_site = handler_name(match.index, match.handler), True
            if await self._act(state, match, scope, receive, send):
                return True
        exchange.handler, exchange.is_site = "(nomatch)", False
        return False

    async def _act(self, state: _State, match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
        if scope["scheme"] != "https" and not match.handler.dont_redirect_plain_http:
            await self._to_https(match.handler.domain, scope)(scope, receive, send)
            return True
        action = state.actions.get(match.index)
        if action is None:
            action = state.actions[match.index] = self._make(match.handler)
        if match.handler.compress and match.handler.web_static is None:  # files have smaller forms that are kept
            send = compressing(scope, send)
        return await action(match, scope, receive, send)

    def _make(self, handler: WebHandler) -> Action:
        """What a handler does, made once."""
        if handler.web_static is not None:
            return _static(StaticFiles(handler.web_static, self._files, compress=handler.compress))
        if handler.web_forward is not None:
            return _forward(Forward(handler.web_forward, self._options.backends), strips=handler.web_forward.strip_path)
        if handler.web_internal is not None:
            internal = handler.web_internal
            return _internal(self._options.own_pages(internal.service, internal.base_path), internal.base_path)
        return _redirect(handler) if handler.web_redirect is not None else _passes

    def _to_https(self, domain: Domain, scope: Scope) -> Response:
        port = self._options.https_port
        where = f"https://{domain.ascii}{'' if port == HTTPS_PORT else f':{port}'}"
        return RedirectResponse(where + _target(scope), PERMANENT)

    async def _not_matched(self, host: Domain, scope: Scope, receive: Receive, send: Send) -> None:
        """The pages of this server are not for the names of sites, unless they are also names of the server."""
        if is_of_server(self._options.live.snapshot, host):
            await self._behind(scope, receive, send)
        else:
            await PlainTextResponse("404 page not found\n", 404)(scope, receive, send)


def handler_name(index: int, handler: WebHandler) -> str:
    """What log and metrics call a handler."""
    return handler.log_name or f"{handler.domain.ascii}-{index}"


def _host(scope: Scope) -> Domain | None:
    name = host_name(Headers(scope=scope).get("host", ""))
    try:
        return parse_domain(name) if name else None
    except WireError:
        return None


def _target(scope: Scope) -> str:
    """Path and query as they were sent; a path that begins with two slashes would be a host name for a browser."""
    raw: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return "/" + raw.decode("latin-1").lstrip("/") + (f"?{query.decode('latin-1')}" if query else "")


def _static(files: StaticFiles) -> Action:
    async def act(match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
        return await files.answer({**scope, "path": match.path}, receive, send)

    return act


def _forward(forward: Forward, *, strips: bool) -> Action:
    async def act(match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
        await forward(scope, receive, send, match.rest if strips else None)
        return True

    return act


async def _passes(match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
    return False


def _redirect(handler: WebHandler) -> Action:
    rule = handler.web_redirect
    assert rule is not None  # checked with the configuration

    async def act(match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
        host = Headers(scope=scope).get("host", "")
        query = scope["query_string"].decode("latin-1")
        try:
            target = redirect_target(rule, AskedUrl(scheme=scope["scheme"], host=host, path=match.path, query=query))
        except NotFound:
            await PlainTextResponse("404 page not found\n", 404)(scope, receive, send)
            return True
        if target is None:
            return False
        await RedirectResponse(target, rule.status_code)(scope, receive, send)
        return True

    return act


def _internal(pages: ASGIApp | None, base: str) -> Action:
    async def act(match: Match, scope: Scope, receive: Receive, send: Send) -> bool:
        if pages is None:
            await PlainTextResponse("404 - these pages are not part of this version\n", 404)(scope, receive, send)
        else:
            await pages(scope, receive, send)
        return True

    return act
