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

from app.web.account.app import ACCOUNT_PAGES
from app.web.acmechallenge import AcmeChallenges
from app.web.admin.app import ADMIN_PAGES
from app.web.application import Application
from app.web.headers import SecurityHeaders
from app.web.mounts import Mount, MountKind
from app.web.ownnames import OwnNames
from app.web.public.app import PATHS, PublicOptions, public_app
from app.web.services import Services
from app.web.signin import sign_in_application

_PAGES = {MountKind.ACCOUNT: ACCOUNT_PAGES, MountKind.ADMIN: ADMIN_PAGES}


class PortApp:
    """Chooses by path: the files that have fixed paths first, then the pages."""

    def __init__(self, files: ASGIApp | None, pages: ASGIApp) -> None:
        self._files = files
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = self._files is not None and scope["type"] == "http" and scope["path"].lower() in PATHS
        app = self._files if is_file and self._files is not None else self._pages
        await app(scope, receive, send)


def port_app(services: Services, mounts: Sequence[Mount], start: Sequence[BaseRoute] = ()) -> ASGIApp:
    """What a port serves; `start` are routes of the first page where nothing else has the root."""
    app = PortApp(_files(services, mounts), _pages(services, mounts, start))
    if services.challenges is None or all(mount.kind is not MountKind.CHALLENGES for mount in mounts):
        return app
    return AcmeChallenges(app, services.challenges)


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
    app = Starlette(
        routes=[*routes, *start],
        middleware=[Middleware(SecurityHeaders), *names],
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
