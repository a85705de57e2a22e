"""Runs ASGI applications by uvicorn on sockets that were bound before.

uvicorn is imported only here and in `connections.py`, and only when a port for pages is configured. Signals stay with
the program. Nobody's word is taken for where a request comes from: X-Forwarded-For and -Proto count only where the
configuration says that a web server is in front (`client.py`). `requestform.py` refuses requests that are not clear.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import traceback
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from app.certificates.challenges import Challenges
from app.log import logger
from app.net.listen import accept_no_more
from app.web.connections import Admission, Bounds, Door
from app.web.requestform import MAX_HEADER_BYTES, RequestForm

KEEP_ALIVE_S = 65
GRACE_S = 3

log = logger("http")
_USUAL = Bounds()


class _Server(uvicorn.Server):
    """A server that leaves the process's signal handlers alone, and drops nobody it has accepted."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await accept_no_more(sock.fileno() for sock in sockets or ())
        await super().shutdown(sockets)


class _ToLog(logging.Handler):
    """What uvicorn says, in our log: faults as such; what strangers can make it say only at debug."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if record.levelno < logging.ERROR:
            log.debug("uvicorn", text=record.getMessage())
            return
        error = record.exc_info[1] if record.exc_info else None
        trace = "".join(traceback.format_exception(error)) if error else None
        log.error("uvicorn", text=record.getMessage().strip(), trace=trace)


class PageServer:
    """One application on some bound sockets."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        context: ssl.SSLContext | None = None,
        bounds: Bounds = _USUAL,
        challenges: Challenges | None = None,
    ) -> None:
        config = uvicorn.Config(
            RequestForm(app),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            http="h11",
            ws="none",
        )
        config.load()
        self._door = Door(admission=Admission(bounds), tls=context, challenges=challenges)
        config.http_protocol_class = self._door  # type: ignore[assignment]
        self._server = _Server(config)
        self._sockets = sockets
        _tell_our_log()

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=self._sockets)

    def stop(self) -> None:
        """Finish the requests under way, then end."""
        self._door.close()
        self._server.should_exit = True


def _tell_our_log() -> None:
    """Once for the process: uvicorn would write to standard error by itself."""
    theirs = logging.getLogger("uvicorn.error")
    if not any(isinstance(handler, _ToLog) for handler in theirs.handlers):
        theirs.addHandler(_ToLog())
        theirs.propagate = False
