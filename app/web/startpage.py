"""The page of a test server: which ports it has, and how to use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.assets import asset_path, read_text
from app.web.headers import SecurityHeaders


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A row of the table: what listens where."""

    name: str
    host: str
    port: int
    security: str


def start_app(services: Sequence[Service], address: str) -> Starlette:
    """The application of the HTTP ports of localserve; `address` is the account's."""
    environment = Environment(loader=FileSystemLoader(asset_path("templates")), autoescape=True)
    page = environment.get_template("public/localserve.html").render(services=services, address=address)
    style = read_text("static/app.css")

    def show(request: Request) -> Response:
        return HTMLResponse(page)

    def css(request: Request) -> Response:
        return Response(style, media_type="text/css")

    routes = [Route("/", show), Route("/static/app.css", css)]
    return Starlette(routes=routes, middleware=[Middleware(SecurityHeaders)])
