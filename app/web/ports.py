"""The ASGI application of one port: account and admin pages below their paths, files for mail programs by host name."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.routing import Mount as Below
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config.live import Live
from app.config.webhandlers import InternalService
from app.web.accesslog import AccessLog, AccessOptions
from app.web.account.app import ACCOUNT_PAGES
from app.web.acmechallenge import AcmeChallenges
from app.web.admin.app import ADMIN_PAGES
from app.web.application import Application
from app.web.exchange import exchange_of
from app.web.headers import SecurityHeaders
from app.web.mounts import Mount, MountKind
from app.web.ownnames import OwnNames
from app.web.public.app import PATHS, PublicOptions, public_app
from app.web.public.hosts import MTASTS_PREFIX, host_of, is_ours
from app.web.services import Services
from app.web.signin import sign_in_application
from app.web.sites.site import HTTPS_PORT, SiteOptions, Sites

_INTERNAL = {InternalService.ACCOUNT: MountKind.ACCOUNT, InternalService.ADMIN: MountKind.ADMIN}
_PAGES = {MountKind.ACCOUNT: ACCOUNT_PAGES, MountKind.ADMIN: ADMIN_PAGES}


class PortApp:
    """Chooses by path: at names of ours the files that have fixed paths, then the rest."""

    def __init__(self, files: ASGIApp | None, rest: ASGIApp, live: Live) -> None:
        self._files = files
        self._rest = rest
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            self._files is not None
            and scope["type"] == "http"
            and scope["path"].lower() in PATHS
            and self._is_for_files(scope)
        ):
            exchange_of(scope).handler = "(client files)"
            await self._files(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    def _is_for_files(self, scope: Scope) -> bool:
        host = host_of(Request(scope))
        if host is None:
            return True
        return host.ascii.startswith(MTASTS_PREFIX) or is_ours(self._live, self._live.snapshot, host)


def port_app(services: Services, mounts: Sequence[Mount], start: Sequence[BaseRoute] = ()) -> ASGIApp:
    """What a port serves; `start` are routes of the first page where nothing else has the root."""
    app: ASGIApp = _pages(services, mounts, start)
    sites = next((mount for mount in mounts if mount.kind is MountKind.SITES), None)
    if sites is not None:
        app = _sites(services, sites, app)
    app = PortApp(_files(services, mounts), app, services.live)
    if services.challenges is not None and any(mount.kind is MountKind.CHALLENGES for mount in mounts):
        app = AcmeChallenges(app, services.challenges)
    options = AccessOptions(
        is_limited=all(mount.is_limited for mount in mounts),
        is_forwarded=bool(mounts) and all(mount.is_forwarded for mount in mounts),
        clock=services.clock,
    )
    return AccessLog(app, services.received_ids, options)


def _sites(services: Services, mount: Mount, behind: ASGIApp) -> ASGIApp:
    own = functools.partial(_own_pages, services)
    options = SiteOptions(
        live=services.live, backends=services.backends, own_pages=own, https_port=mount.https_port or HTTPS_PORT
    )
    return Sites(behind, options)


def _own_pages(services: Services, service: InternalService, path: str) -> ASGIApp | None:
    """Our pages where a handler of domains.conf shows them."""
    kind = _INTERNAL.get(service)
    return _starlette([*_mounted(services, Mount(kind=kind, path=path))]) if kind is not None else None


def _files(services: Services, mounts: Sequence[Mount]) -> ASGIApp | None:
    wanted = [mount for mount in mounts if mount.kind in (MountKind.CLIENT_FILES, MountKind.POLICY)]
    if not wanted:
        return None
    kinds = {mount.kind for mount in wanted}
    options = PublicOptions(
        has_autoconfig=MountKind.CLIENT_FILES in kinds,
        has_mtasts=MountKind.POLICY in kinds,
        is_forwarded=any(mount.is_forwarded for mount in wanted),
        clock=services.clock,
    )
    return public_app(services.live, options)


def _pages(services: Services, mounts: Sequence[Mount], start: Sequence[BaseRoute]) -> Starlette:
    longest_first = sorted(mounts, key=lambda mount: -len(mount.path))
    routes = [route for mount in longest_first if mount.kind in _PAGES for route in _mounted(services, mount)]
    is_forwarded = any(mount.is_forwarded for mount in mounts)
    names = () if is_forwarded else (Middleware(OwnNames, live=services.live),)
    return _starlette([*routes, *start], names)


def _starlette(routes: Sequence[BaseRoute], middleware: Sequence[Middleware] = ()) -> Starlette:
    app = Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders), *middleware],
        exception_handlers={404: _not_found},
    )
    app.router.redirect_slashes = False  # it would send any host name back
    return app


def _mounted(services: Services, mount: Mount) -> Iterator[BaseRoute]:
    pages = _PAGES[mount.kind]
    application = Application(pages, services, base=mount.path, is_forwarded=mount.is_forwarded)
    sign_in = sign_in_application(application, pages.kind, services)
    if path := mount.path.rstrip("/"):
        yield Route(path, functools.partial(_to_base, mount.path))
    yield Below(path, application.asgi(sign_in.routes))


async def _to_base(base: str, request: Request) -> Response:
    return RedirectResponse(base, 308)


async def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404)
