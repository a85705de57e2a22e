"""The page of a test server: which ports it has, and how to use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from app.web import statics
from app.web.templates import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A row of the table: what listens where."""

    name: str
    host: str
    port: int
    security: str


def start_routes(services: Sequence[Service], address: str) -> list[BaseRoute]:
    """The routes of the HTTP ports of localserve; `address` is the account's."""
    page = render("public/localserve.html", services=services, address=address)

    async def show(request: Request) -> Response:
        return HTMLResponse(page)

    return [Route("/", show), statics.ROUTE]
