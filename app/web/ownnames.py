"""ASGI middleware: pages answer to names of ours only.

A stranger can have a name of his own point at this machine, or at a loopback address (DNS rebinding): his page and ours
then have the same origin for a browser. So pages want an IP address, localhost, this machine's own name, or a name of
the configuration in the Host field. Behind a web server of ours (Forwarded: true), that server chooses by name.
"""

from __future__ import annotations

import socket

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config.live import Live
from app.errors import WireError
from app.web.client import host_name, is_near
from app.web.public.hosts import is_ours
from app.wire.domain import parse_domain


class OwnNames:
    """Refuses requests to names of others."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self.app = app
        self._live = live
        self._machine = socket.gethostname().lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_own(host_name(HTTPConnection(scope).headers.get("host", ""))):
            text = "This server does not know this name as one of its own. Use http"
            text += (
                f"{'s' if scope['scheme'] == 'https' else ''}://{self._live.static.hostname.ascii} or its IP address.\n"
            )
            await PlainTextResponse(text, 421)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_own(self, name: str) -> bool:
        if is_near(name) or (name and name == self._machine):
            return True
        try:
            return is_ours(self._live, self._live.snapshot, parse_domain(name))
        except WireError:
            return False
