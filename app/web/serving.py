"""Runs ASGI applications by uvicorn on sockets that were bound before.

uvicorn is imported only here, and only when a port for pages is configured. Signals stay with the program.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

MAX_HEADER_BYTES = 32 * 1024
KEEP_ALIVE_S = 65
GRACE_S = 3


class _Server(uvicorn.Server):
    """A server that leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class PageServer:
    """One application on some bound sockets."""

    def __init__(self, app: ASGIApp, sockets: list[socket.socket], context: ssl.SSLContext | None = None) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            ws="none",
        )
        config.load()
        config.ssl = context
        self._server = _Server(config)
        self._sockets = sockets

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=self._sockets)

    def stop(self) -> None:
        """Finish the requests under way, then end."""
        self._server.should_exit = True
