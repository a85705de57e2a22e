"""/metrics for Prometheus, on a port of its own that is not for the public."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app import metrics
from app.web.headers import SecurityHeaders


async def _nothing() -> None:
    pass


def metrics_app(refresh: Callable[[], Awaitable[None]] = _nothing) -> Starlette:
    """The application of a metrics port; `refresh` looks up what does not count itself."""

    async def show(request: Request) -> Response:
        await refresh()
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", show), Route("/", _index)], middleware=[Middleware(SecurityHeaders)])


def _index(request: Request) -> Response:
    return PlainTextResponse("see /metrics\n")
