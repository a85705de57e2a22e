"""ASGI middleware around all that a port answers: rate limit, access log, metrics, and the page for faults of ours.

A request is counted for its address and the networks around it; too many get 429 and no line in the log. Addresses of
this machine and of private networks are not counted: a web server in front of us brings everybody from one address.

Each request has a line at debug of the package `httpaccess` (PackageLogLevels: httpaccess: debug, or the page of log
levels), and two durations: until the head of the answer, and until its end. Times are seconds, sizes are bytes of
bodies. What is not a word of HTTP goes into no label. Of requests for our own pages the query is not logged.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.clock import SYSTEM, Clock
from app.ids import connection_id
from app.limits import RateLimit, Window
from app.log import Level, logger
from app.store.receivedids import ReceivedIds
from app.web.client import client_ip
from app.web.exchange import Exchange, put_exchange

REQUESTS = (Window(60, (1000, 3000, 9000)), Window(3600, (5000, 15_000, 45_000)))
TEXT_LIMIT = 300  # characters of a field that the client chose
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
_LABELS = ("handler", "proto", "method", "code")

log = logger("httpaccess")
_faults = logger("http")

_head_s = metrics.histogram("httpserver_request_duration_seconds", "HTTP: time to the head of the answer.", _LABELS)
_end_s = metrics.histogram("httpserver_response_duration_seconds", "HTTP: time to the end of the answer.", _LABELS)
_refused = metrics.counter("httpserver_rate_limited_total", "HTTP requests refused as there were too many.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """How a port counts."""

    is_limited: bool = True
    is_forwarded: bool = False  # behind a web server that says who asks
    clock: Clock = SYSTEM


class AccessLog:
    """Counts, times and logs what another application answers."""

    def __init__(self, app: ASGIApp, received_ids: ReceivedIds, options: AccessOptions) -> None:
        self._app = app
        self._received_ids = received_ids
        self._clock = options.clock
        self._is_forwarded = options.is_forwarded
        self._limit = RateLimit(REQUESTS, options.clock) if options.is_limited else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._has_room(scope):
            _refused.inc()
            await PlainTextResponse("429 - too many requests\n", 429, {"Retry-After": "60"})(scope, receive, send)
            return
        passing = _Passing(Exchange(self._received_ids, connection_id()), receive, send, self._clock)
        try:
            await self._app(put_exchange(scope, passing.exchange), passing.receive, passing.send)
        except Exception as error:
            if not await passing.show_fault(scope, error):
                raise
        finally:
            passing.finish(scope, self._is_forwarded)

    def _has_room(self, scope: Scope) -> bool:
        if self._limit is None:
            return True
        address = client_ip(HTTPConnection(scope), is_forwarded=self._is_forwarded)
        return address.is_private or self._limit.add(address)


class _Passing:
    """One request under way."""

    __slots__ = ("_clock", "_head_at", "_receive", "_send", "_started_at", "exchange")

    def __init__(self, exchange: Exchange, receive: Receive, send: Send, clock: Clock) -> None:
        self.exchange = exchange
        self._receive = receive
        self._send = send
        self._clock = clock
        self._started_at = clock.monotonic()
        self._head_at = 0.0

    async def receive(self) -> Message:
        message = await self._receive()
        if body := message.get("body"):
            self.exchange.received += len(body)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.exchange.status = message["status"]
            self._head_at = self._clock.monotonic()
        elif body := message.get("body"):
            self.exchange.sent += len(body)
        await self._send(message)

    async def show_fault(self, scope: Scope, error: Exception) -> bool:
        """Say that it is our fault; False when an answer has begun."""
        _faults.error("request failed", cid=self.exchange.cid, trace="".join(traceback.format_exception(error)))
        if self.exchange.status:
            return False
        text = f"500 - internal server error (id {self.exchange.reference})\n"
        await PlainTextResponse(text, 500)(scope, self._receive, self.send)
        return True

    def finish(self, scope: Scope, is_forwarded: bool) -> None:
        """It is over: measure, and log."""
        exchange, now = self.exchange, self._clock.monotonic()
        proto = scope["scheme"].replace("http", "ws") if exchange.is_websocket else scope["scheme"]
        method = scope["method"] if scope["method"] in _METHODS else "(other)"
        labels = (exchange.handler, proto, method, str(exchange.status))
        _head_s.labels(*labels).observe((self._head_at or now) - self._started_at)
        _end_s.labels(*labels).observe(now - self._started_at)
        if log.enabled(Level.DEBUG):
            _write_line(scope, exchange, now - self._started_at, is_forwarded)


def _write_line(scope: Scope, exchange: Exchange, duration: float, is_forwarded: bool) -> None:
    headers = Headers(scope=scope)
    query = scope["query_string"].decode("latin-1") if exchange.is_site else ""
    client = client_ip(HTTPConnection(scope), is_forwarded=is_forwarded) if is_forwarded else None
    log.debug(
        "http request",
        cid=exchange.cid,
        handler=exchange.handler,
        method=scope["method"][:TEXT_LIMIT],
        url=(scope["path"] + (f"?{query}" if query else ""))[:TEXT_LIMIT],
        host=headers.get("host", "")[:TEXT_LIMIT],
        duration=f"{duration:.6f}",
        statuscode=exchange.status,
        proto=f"HTTP/{scope['http_version']}",
        remoteaddr=scope["client"][0] if scope.get("client") else None,
        clientip=client,
        tlsinfo=scope.get("extensions", {}).get("mox.tls", "plain"),
        useragent=headers.get("user-agent", "")[:TEXT_LIMIT] or None,
        referer=headers.get("referer", "")[:TEXT_LIMIT] or None,
        websocketrequest=headers.get("upgrade", "").lower() == "websocket" or None,
        websocket=exchange.is_websocket or None,
        sizefromclient=exchange.received or None,
        sizetoclient=exchange.sent or None,
        uncompressedsize=exchange.uncompressed or None,
        authaccount=exchange.account or None,
    )
