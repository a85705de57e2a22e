"""HTTP connections that cannot be held for nothing: how many there may be, and how long a peer may take.

uvicorn bounds the head of a request and pauses reading, but lets a silent or slow peer stay for ever, and counts
nobody. So, for each port: `Bounds.total` connections, and per network as in `app.limits` (addresses of this machine and
of private networks count for the total only: a web server in front of us brings everybody from one address). A look
every `look_s` ends a connection whose

    TLS handshake   takes more than `handshake_s`
    request head    is not complete `head_s` after it began (or after the connection did)
    body            comes at less than `body_rate` bytes a second after the first `body_s`
    response        the peer has read nothing of for `stuck_s`, or has ended its side `half_s` ago

A request that is being worked on has no limit, and the pause between requests is uvicorn's (`timeout_keep_alive`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from dataclasses import dataclass, field
from typing import cast

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from app import metrics
from app.certificates.challenges import ALPN, Challenges
from app.limits import ConcurrencyLimit, IpAddress, PerClass
from app.log import logger
from app.net.peer import address_of
from app.web.corked import Corked
from app.web.upgrades import Headers, Tunnel, offer_switch

MAX_HELLO = 8192
RECORD_HEAD = 5  # bytes of a TLS record before its content
LOOKS = 20
LOOK_AGAIN_S = 0.1

log = logger("http")

_REFUSALS = {
    400: "this is not a request of HTTP",
    431: "the fields of this request are too long",
    501: "this server does not know this transfer coding",
}

_REFUSED = metrics.counter("http_connections_refused", "Connections to pages refused, there were too many.")
_TOO_SLOW = metrics.counter("http_connections_too_slow", "Connections to pages ended, their peers took too long.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What peers of a port may take."""

    total: int = 1500
    per_network: PerClass = (120, 360, 720)
    handshake_s: float = 15.0
    head_s: float = 20.0
    body_s: float = 20.0
    body_rate: float = 200.0
    stuck_s: float = 60.0
    half_s: float = 3.0
    look_s: float = 5.0


class Admission:
    """Counts the connections of a port."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._held = 0
        self._networks = ConcurrencyLimit(bounds.per_network)

    def enter(self, address: IpAddress) -> bool:
        """Count one more; False, and nothing counted, when there is no room for it."""
        if self._held >= self.bounds.total or (not address.is_private and not self._networks.add(address)):
            _REFUSED.inc()
            return False
        self._held += 1
        return True

    def leave(self, address: IpAddress) -> None:
        """Count one less, after an `enter` that said True."""
        self._held -= 1
        if not address.is_private:
            self._networks.remove(address)


@dataclass(slots=True)
class _Pace:
    """What a connection did at the last look."""

    since: float  # when it began to be what it is
    phase: str = "head"
    received: int = 0  # bytes in this phase
    unsent: int = 0
    stuck_since: float = 0.0


class HttpConnection(H11Protocol):
    """One connection; `is_admitted` when it was counted before, at its TLS handshake."""

    def __init__(self, admission: Admission, config: Config, state: ServerState, *, is_admitted: bool = False) -> None:
        super().__init__(config, state, {})
        self._admission = admission
        self._is_admitted = is_admitted
        self._look: asyncio.TimerHandle | None = None
        self._pace = _Pace(since=0.0)
        self._address: IpAddress | None = None
        self._tunnel: Tunnel | None = None  # when it has switched to another protocol
        self._has_ended = False  # the peer has, with an answer on the way
        self._app: ASGIApp = self.app
        self.app = self._answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, when there is room."""
        super().connection_made(Corked(transport, self.loop))
        address = address_of(transport.get_extra_info("peername"))
        if not self._is_admitted and not self._admission.enter(address):
            transport.abort()
            return
        self._address = address
        self._pace.since = self.loop.time()
        self._look = self.loop.call_later(self._admission.bounds.look_s, self._look_at_pace)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        if self._tunnel is not None:
            self._tunnel.end()
        if self._look is not None:
            self._look.cancel()
        if self._address is not None:
            self._admission.leave(self._address)
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer."""
        if self._tunnel is not None:
            self._tunnel.feed(data)
            return
        was = self._phase()
        super().data_received(data)
        now = self._phase()
        pace = self._pace
        if now != was or now != pace.phase:
            pace.phase, pace.since, pace.received = now, self.loop.time(), 0
        pace.received += len(data)

    def resume_writing(self) -> None:
        """The peer has read most of what there was."""
        self._pace.stuck_since = 0.0
        super().resume_writing()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The peer sends no more; one that has asked may still read for a moment, where there is no TLS."""
        if self._tunnel is not None:
            self._tunnel.end()
        is_due = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if self._tunnel is not None or not is_due or self.transport.get_extra_info("ssl_object") is not None:
            self.transport.close()  # with what waits to be sent
            return False
        self._has_ended = True
        self.loop.call_later(self._admission.bounds.half_s, self.transport.close)
        return True

    def on_response_complete(self) -> None:
        """An answer is sent."""
        super().on_response_complete()
        if self._has_ended and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def shutdown(self) -> None:
        """The server is about to end."""
        if self._tunnel is not None:
            self.transport.close()
            return
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; h11 has said with which status."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, _REFUSALS.get(status, msg))

    def _refuse(self, status: int, text: str) -> None:
        """Answer in the place of the application, and close."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # it has nobody to answer any more
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{status} - {text}\n".encode()
            headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
            head = h11.Response(status_code=status, headers=[*headers, ("connection", "close")])
            self.transport.write(self.conn.send(head) or b"")
            with contextlib.suppress(h11.LocalProtocolError):  # which knows that HEAD is answered without a body
                self.transport.write(self.conn.send(h11.Data(data=body)) or b"")
        self.transport.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application, which may find out more about the connection than ASGI tells."""
        extended = offer_switch(scope, self._switch)
        ssl_object = self.transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            extended["extensions"]["mox.tls"] = ssl_object.version().lower().replace("v", "")
        await self._app(extended, receive, send)

    def _switch(self, headers: Headers) -> Tunnel:
        """Answer 101; from now on the bytes are another protocol's."""
        head = h11.InformationalResponse(status_code=101, headers=list(headers), reason="Switching Protocols")
        self.transport.write(self.conn.send(head) or b"")
        self.cycle.response_started = self.cycle.response_complete = True
        self._tunnel = Tunnel(self.transport, self.flow, bytes(self.conn.trailing_data[0]))
        self.flow.resume_reading()
        return self._tunnel

    def _phase(self) -> str:
        """What it waits for: a head, a body, the application, or (idle) the next request."""
        if self._tunnel is not None:
            return "work"
        if self.cycle is None:
            return "head"
        if not self.cycle.response_complete:
            return "body" if self.cycle.more_body and not self.flow.read_paused else "work"
        return "head" if self.timeout_keep_alive_task is None else "idle"

    def _look_at_pace(self) -> None:
        """End the connection when its peer takes too long."""
        bounds, pace, now = self._admission.bounds, self._pace, self.loop.time()
        phase = self._phase()
        if phase != pace.phase:
            pace.phase, pace.since, pace.received = phase, now, 0
        lasts = now - pace.since
        is_slow_head = phase == "head" and lasts > bounds.head_s
        is_slow_body = phase == "body" and lasts > bounds.body_s and pace.received < lasts * bounds.body_rate
        if is_slow_head or is_slow_body or self._is_stuck(now):
            self._end_slow()
            return
        self._look = self.loop.call_later(bounds.look_s, self._look_at_pace)

    def _end_slow(self) -> None:
        """Say so where somebody may be waiting for an answer."""
        _TOO_SLOW.inc()
        if self._tunnel is None and self._pace.received and not self.transport.get_write_buffer_size():
            self._refuse(408, "this took too long")
        self.transport.abort() if self.transport.get_write_buffer_size() else self.transport.close()

    def _is_stuck(self, now: float) -> bool:
        """Whether there is something to send, nobody adds to it, and it does not get less."""
        pace, unsent = self._pace, self.transport.get_write_buffer_size()
        may_grow = self._phase() == "work" and not self.flow.write_paused and not self.transport.is_closing()
        if not unsent or unsent < pace.unsent or may_grow:
            pace.stuck_since = 0.0
        elif not pace.stuck_since:
            pace.stuck_since = now
        pace.unsent = unsent
        return bool(pace.stuck_since) and now - pace.stuck_since > self._admission.bounds.stuck_s


class _Handshake(asyncio.Protocol):
    """A connection before it has TLS: counted, then given to an HttpConnection.

    uvloop reads on after `connection_made`, and what it read would be lost to the handshake; so the plain transport
    lets go of a duplicate of its socket, unread.
    """

    def __init__(self, door: Door, config: Config, state: ServerState) -> None:
        self._door = door
        self._config = config
        self._state = state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = address_of(transport.get_extra_info("peername"))
        plain = cast(asyncio.Transport, transport)
        if self._door.admission.enter(address):
            sock = socket.socket(fileno=os.dup(plain.get_extra_info("socket").fileno()))
            sock.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._shake_hands(sock, address))
            self._door.handshakes.add(task)
            task.add_done_callback(self._door.handshakes.discard)
        plain.abort()

    async def _shake_hands(self, sock: socket.socket, address: IpAddress) -> None:
        door, loop = self._door, asyncio.get_running_loop()
        made: list[HttpConnection] = []

        def protocol() -> HttpConnection:
            made.append(HttpConnection(door.admission, self._config, self._state, is_admitted=True))
            return made[0]

        limit = door.admission.bounds.handshake_s
        try:
            context = door.tls
            if door.challenges is not None and door.challenges.context is not None:
                context = await asyncio.wait_for(_context_for(sock, door.challenges, context), limit)
            await loop.connect_accepted_socket(protocol, sock, ssl=context, ssl_handshake_timeout=limit)
        except OSError as error:  # ssl.SSLError, resets and the time limits are all of this kind
            log.debug("tls handshake failed", remote=address, error=error)
        finally:
            if not made or made[0].transport is None:  # nobody else counts it
                sock.close()
                door.admission.leave(address)


async def _context_for(
    sock: socket.socket, challenges: Challenges, usual: ssl.SSLContext | None
) -> ssl.SSLContext | None:
    """The context of challenges for who offers their protocol alone, as only authorities do (RFC 8737 §3).

    OpenSSL would tell us too late, so the first bytes of the handshake are looked at and left where they are.
    """
    for _ in range(LOOKS):
        head = await _peek(sock)
        if len(head) < RECORD_HEAD or len(head) < RECORD_HEAD + int.from_bytes(head[3:5], "big"):
            await asyncio.sleep(LOOK_AGAIN_S)  # the rest is on its way
            continue
        return challenges.context if ALPN.encode() in head else usual
    return usual


async def _peek(sock: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock.fileno(), _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())
    return sock.recv(MAX_HELLO, socket.MSG_PEEK)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


@dataclass(slots=True, kw_only=True)
class Door:
    """Makes the connections of a port, as uvicorn's `http_protocol_class`."""

    admission: Admission
    tls: ssl.SSLContext | None
    challenges: Challenges | None = None
    handshakes: set[asyncio.Task[None]] = field(default_factory=set)

    def __call__(self, *, config: Config, server_state: ServerState, **others: object) -> asyncio.Protocol:
        """The protocol of a connection that comes in."""
        if self.tls is not None:
            return _Handshake(self, config, server_state)
        return HttpConnection(self.admission, config, server_state)

    def close(self) -> None:
        """Give up handshakes that are under way."""
        for task in tuple(self.handshakes):
            task.cancel()
