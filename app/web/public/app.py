"""The application of the public pages: its paths, its rate limit and its headers.

    app = public_app(live)                                    everything
    app = public_app(live, PublicOptions(has_mtasts=False))   a port of AutoconfigHTTPS alone

Every path answers GET and HEAD, Autodiscover POST; anything else is 404 or 405 in a few words of plain text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.limits import RateLimit, Window
from app.operations.clientprofiles import PROFILE_PATH
from app.web.client import client_ip
from app.web.headers import SecurityHeaders
from app.web.public import autoconfig, autodiscover, mobileconfig, mtasts

# In lower case; those of Autodiscover come in any.
PATHS = frozenset(
    [
        *autoconfig.PATHS,
        autodiscover.XML_PATH,
        autodiscover.JSON_PATH,
        PROFILE_PATH,
        mobileconfig.QRCODE_PATH,
        mtasts.PATH,
    ]
)
# Per address and the networks around it: a family behind one address sets up its devices, nobody lives here.
REQUESTS = (Window(60, (120, 600, 2400)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOptions:
    """How a port differs from the usual."""

    has_autoconfig: bool = True
    has_mtasts: bool = True
    is_forwarded: bool = False  # behind a web server of ours, as Forwarded of the port says
    is_limited: bool = True
    clock: Clock = SYSTEM


_USUAL = PublicOptions()


def public_app(live: Live, options: PublicOptions = _USUAL) -> Starlette:
    """The application."""
    routes = []
    if options.has_autoconfig:
        routes += _autoconfig_routes(live, options)
    if options.has_mtasts:
        routes.append(Route(mtasts.PATH, functools.partial(mtasts.show_policy, live)))
    app = Starlette(routes=routes, middleware=[Middleware(SecurityHeaders), Middleware(_Gate, options=options)])
    app.router.redirect_slashes = False  # it would send any host name back
    return app


def _autoconfig_routes(live: Live, options: PublicOptions) -> list[Route]:
    show_qrcode = functools.partial(mobileconfig.show_qrcode, live, is_forwarded=options.is_forwarded)
    return [
        *(Route(path, functools.partial(autoconfig.show_config, live)) for path in autoconfig.PATHS),
        Route(autodiscover.XML_PATH, functools.partial(autodiscover.reply_pox, live), methods=["POST"]),
        Route(autodiscover.JSON_PATH, functools.partial(autodiscover.reply_json, live)),
        Route(PROFILE_PATH, functools.partial(mobileconfig.show_profile, live)),
        Route(mobileconfig.QRCODE_PATH, show_qrcode),
    ]


def _normal(path: str) -> str:
    lower = path.lower()
    return lower if lower.startswith(autodiscover.PREFIX) else path


class _Gate:
    """Counts requests per network, and makes the paths of Autodiscover lower-case."""

    def __init__(self, app: ASGIApp, options: PublicOptions) -> None:
        self._app = app
        self._is_forwarded = options.is_forwarded
        self._limit = RateLimit(REQUESTS if options.is_limited else (), options.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not self._limit.add(client_ip(HTTPConnection(scope), is_forwarded=self._is_forwarded)):
            refusal = PlainTextResponse("Too many requests; try again in a minute.", 429, {"Retry-After": "60"})
            await refusal(scope, receive, send)
            return
        await self._app({**scope, "path": _normal(scope["path"])}, receive, send)
