"""/metrics for Prometheus, on a port of its own that is not for the public."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app import metrics
from app.web.headers import SecurityHeaders


def metrics_app() -> Starlette:
    """The application of a metrics port."""
    return Starlette(routes=[Route("/metrics", _metrics), Route("/", _index)], middleware=[Middleware(SecurityHeaders)])


def _metrics(request: Request) -> Response:
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


def _index(request: Request) -> Response:
    return PlainTextResponse("see /metrics\n")
