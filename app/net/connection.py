"""One accepted connection: the shared base of the SMTP and IMAP server connections.

    class SmtpConnection(Connection):
        def received(self, data: bytes) -> None:      # synchronous: answer what needs no waiting
            self.write(b"250 ok\\r\\n")                # all writes of one callback leave in one piece
            self.start_task(self.deliver())           # what must wait; input is held back until it is done

When a task is done, `received` is called with what came meanwhile, and with b"" when nothing came, so that a machine
goes on with commands it holds already. Bounds: a peer that does not read is not read from either; at most
`WAITING_BYTES` and one read are held while a task runs; `close` turns into `abort` after `CLOSING_S`. An exception in
any hook or task is logged, given to `crashed`, and ends this connection only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, cast

from app import metrics
from app.errors import ConnectionGone
from app.ids import connection_id
from app.limits import IpAddress
from app.log import Logger, logger
from app.net.accepted import Ends, ends_of, unread_socket
from app.net.connectionhooks import ConnectionHooks
from app.net.deadlines import deadlines_of
from app.net.peer import NOWHERE
from app.net.tls import TlsInfo, tls_info

HIGH_WATER_BYTES = 1 << 20
CORK_BYTES = 256 << 10  # more than this is not collected before it goes to the transport
WAITING_BYTES = 64 << 10
HANDSHAKE_S = 60.0
CLOSING_S = 30.0
SLOW_S = 1.0

_OPEN = metrics.gauge("connections_count", "Connections of mail servers and mail programs that are open.")


class Connection(ConnectionHooks, asyncio.Protocol):
    """A server's side of one connection. Subclasses override the hooks."""

    __slots__ = (
        "_admitted",
        "_closing",
        "_corked",
        "_drainers",
        "_eof",
        "_flush_soon",
        "_gone",
        "_handshaking",
        "_out",
        "_out_bytes",
        "_reading_paused",
        "_slow",
        "_slow_timer",
        "_stopping",
        "_task",
        "_trickle",
        "_waiting",
        "_write_paused",
        "cid",
        "forwarded",
        "group",
        "implicit_tls",
        "local",
        "loop",
        "remote",
        "tls",
        "transport",
    )

    log: Logger = logger("connection")
    write_timeout_s: float = 30.0  # how long `drain` waits for a peer that does not read

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def __init__(self, *, implicit_tls: ssl.SSLContext | None = None) -> None:
        """With `implicit_tls`, the connection starts with a TLS handshake, after `admit`."""
        self.cid = connection_id()
        self.implicit_tls = implicit_tls
        self.remote: IpAddress = NOWHERE
        self.local: IpAddress = NOWHERE
        self.tls: TlsInfo | None = None
        self.group: set[Connection] | None = None  # set by the listener: where open connections are kept
        self.forwarded: Ends | None = None  # as a proxy in front of us says
        self._deadline = 0.0
        self._bucket = 0
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._waiting = b""
        self._trickle = b""
        self._drainers: list[asyncio.Future[None]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._slow_timer: asyncio.TimerHandle | None = None
        self._admitted = self._closing = self._gone = self._eof = self._handshaking = self._slow = False
        self._corked = self._flush_soon = self._reading_paused = self._write_paused = self._stopping = False

    @property
    def is_gone(self) -> bool:
        """Whether nothing more will reach the peer."""
        return self._gone

    @property
    def is_closing(self) -> bool:
        """Whether `close` was called, or the connection is gone."""
        return self._closing or self._gone

    @property
    def is_busy(self) -> bool:
        """Whether a task runs."""
        return self._task is not None

    @property
    def is_stalled(self) -> bool:
        """Whether so much waits to be sent that nothing should be added unasked."""
        return self._write_paused

    @property
    def has_waiting(self) -> bool:
        """Whether bytes came while a task runs, as when a client sends on after STARTTLS."""
        return bool(self._waiting)

    def write(self, data: bytes) -> None:
        """Send `data`, together with everything else that this callback writes."""
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > CORK_BYTES:
            self.flush()
        elif not self._corked and not self._flush_soon:
            self._flush_soon = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand everything written so far to the transport."""
        self._flush_soon = False
        if not self._out or self._handshaking:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        if self._gone:
            return
        if self._slow:
            self._trickle += data
            self._keep_slow_timer()
        else:
            self.transport.write(data)

    async def drain(self) -> None:
        """Flush and wait until the transport can take more; raises ConnectionGone."""
        self.flush()
        if self._gone:
            raise ConnectionGone("connection is gone")
        if not self._write_paused:
            return
        waiter: asyncio.Future[None] = self.loop.create_future()
        self._drainers = [*(self._drainers or ()), waiter]
        try:
            async with asyncio.timeout(self.write_timeout_s):
                await waiter
        except TimeoutError:
            self.abort()
            raise ConnectionGone("peer does not read") from None

    def set_deadline(self, seconds: float | None) -> None:
        """Call `timed_out` when `seconds` from now have passed, instead of any earlier wish; None: never."""
        if self._closing or self._gone:
            return
        if seconds is None:
            self._deadline = 0.0
        else:
            deadlines_of(self.loop).set(self, seconds)

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`; until it is done nothing more is given to `received`."""
        if self._task is not None:
            work.close()
            raise RuntimeError("the connection has a task already")
        self._task = self.loop.create_task(self._run(work))

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Upgrade in place, in a task, after writing the go-ahead; sets `tls`. Raises ConnectionGone.

        Bytes that came before the handshake are thrown away (RFC 3207 §4.2); a caller that would rather refuse looks at
        `has_waiting` first. The deadline is cleared: the handshake has its own.
        """
        self._deadline = 0.0
        self.flush()
        self._waiting = b""
        self._handshaking = True
        try:
            transport = await self.loop.start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError as error:  # ssl.SSLError, resets and the time limit are all of this kind
            self.handshake_failed(error)
            self.abort()
            raise ConnectionGone("tls handshake failed") from None
        finally:
            self._handshaking = False
        if transport is None or self._gone:  # asyncio returns None when the connection was lost meanwhile
            self.abort()
            raise ConnectionGone("connection lost in the tls handshake")
        self._use_tls(transport)

    def be_slow(self) -> None:
        """Treat the peer as a bad client: a pause before each read is looked at, and replies byte by byte."""
        self.flush()
        self._slow = True

    def stop(self) -> None:
        """Tell the subclass that the server stops: now, or as soon as the task that runs is done."""
        self._stopping = True
        if self._task is None and not self.is_closing:
            self._call(self.stopping)

    def close(self) -> None:
        """Close once everything written has been sent."""
        if self._closing or self._gone:
            return
        if self._handshaking:
            return self.abort()  # nothing can be said yet
        self.flush()
        self.set_deadline(CLOSING_S)
        self._closing = True
        self._waiting = b""
        if not self._trickle:
            self.transport.close()

    def abort(self) -> None:
        """Close now."""
        self._closing = True
        self.transport.abort()
        if self._handshaking and self._task is not None and self.implicit_tls is not None:
            self._task.cancel()
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is and ask whether it may stay; or take over after an implicit TLS handshake."""
        if self._handshaking:
            self._handshaking, self._task = False, None
            self._use_tls(cast(asyncio.Transport, transport))
            self._call(self.stopping if self._stopping else self.connected)
            return
        self.loop = asyncio.get_running_loop()
        self.transport = cast(asyncio.Transport, transport)
        ends = self.forwarded or ends_of(transport)
        if ends is None:
            return self.abort()  # gone before we looked
        self.remote, self.local = ends.remote, ends.local
        if self.group is not None:
            self.group.add(self)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        if not self.admit():
            self._turn_away()
            return
        self._admitted = True
        _OPEN.inc()
        if self.implicit_tls is not None:
            self._begin_with_tls(self.implicit_tls)
        else:
            self._call(self.connected)

    def data_received(self, data: bytes) -> None:
        """Pass on what came, or keep it when it is not yet its turn."""
        if self._closing:
            return
        if self._task is not None or self._slow:
            self._waiting = self._waiting + data if self._waiting else data
            self._pace_reading()
            if self._slow:
                self._keep_slow_timer()
            return
        self._call(self.received, data)

    def eof_received(self) -> bool:
        """Finish what was asked before closing, where the transport lets us (not under TLS)."""
        self._eof = True
        self._end_if_done()
        return self.tls is None and not self._handshaking

    def pause_writing(self) -> None:
        """The peer reads too slowly: do not read from it either."""
        self._write_paused = True
        self._pace_reading()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._write_paused = False
        self._wake_drainers(None)
        self._pace_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything; tells `lost` once."""
        if self._gone:
            return
        self._gone = True
        self._out.clear()
        self._waiting = self._trickle = b""
        deadlines_of(self.loop).remove(self)
        if self._slow_timer is not None:
            self._slow_timer.cancel()
        self._wake_drainers(ConnectionGone("connection is gone"))
        if self.group is not None:
            self.group.discard(self)
        if self._admitted:
            _OPEN.dec()
            self._call(self.lost)

    def expire(self) -> None:
        """The deadline passed: a peer that does not let us close is cut off."""
        if self._closing:
            self.abort()
        else:
            self._call(self.timed_out)

    def _call(self, hook: Callable[..., None], *arguments: bytes) -> None:
        """Call a hook with its writes corked."""
        self._corked = True
        try:
            hook(*arguments)
        except Exception as error:
            self._crash(error)
        self._corked = False
        if self._out:
            self.flush()

    def _crash(self, error: Exception) -> None:
        metrics.PANICS.labels(self.log.package).inc()
        trace = "".join(traceback.format_exception(error))
        self.log.error("connection ended by an error", cid=self.cid, remote=self.remote, trace=trace)
        if self.is_closing:
            return
        try:
            self.crashed(error)
        except Exception as second:
            self.log.error("no last words", cid=self.cid, error=repr(second))
        self.close()

    def _turn_away(self) -> None:
        if self.implicit_tls is not None:
            self.abort()
            return
        self._call(self.refused)
        self.close()

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ConnectionGone:
            if not self._gone:
                self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise
        except Exception as error:
            self._crash(error)
        finally:
            self._task = None
        if not self._slow:
            self._go_on()
        elif not self.is_closing:
            self._keep_slow_timer()

    def _go_on(self) -> None:
        """Give `received` what came while it was not called."""
        self.flush()
        if self._stopping and not self.is_closing:
            self._call(self.stopping)
        if self.is_closing:
            return
        data, self._waiting = (b"", self._waiting) if self.is_full() else (self._waiting, b"")
        self._pace_reading()
        self._call(self.received, data)
        if self._slow and self._waiting:
            self._keep_slow_timer()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._eof and self._task is None and not self._waiting and not self.is_closing:
            self._call(self.ended)

    def _begin_with_tls(self, context: ssl.SSLContext) -> None:
        """Give the socket to a TLS transport.

        `loop.start_tls` would do for asyncio, but uvloop reads on after `connection_made`, and what the client has sent
        at once would be lost to the handshake.
        """
        sock = unread_socket(self.transport)
        self._handshaking = True
        self._task = self.loop.create_task(self._shake_hands(context, sock))

    async def _shake_hands(self, context: ssl.SSLContext, sock: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: self, sock, ssl=context, ssl_handshake_timeout=HANDSHAKE_S)
        except OSError as error:
            self.handshake_failed(error)
        finally:
            if self._handshaking:
                sock.close()
                self._handshaking, self._task = False, None
                self.connection_lost(None)

    def _use_tls(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._reading_paused = self._write_paused = False
        self.tls = tls_info(transport.get_extra_info("ssl_object"))

    def _pace_reading(self) -> None:
        """Stop or go on reading from the socket; costs system calls only when there is more than we want to hold."""
        pause = self._write_paused or len(self._waiting) > WAITING_BYTES or (self._slow and bool(self._waiting))
        if pause == self._reading_paused or self._handshaking or self.is_closing:
            return
        self._reading_paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _wake_drainers(self, error: ConnectionGone | None) -> None:
        waiters, self._drainers = self._drainers, None
        for waiter in (one for one in waiters or () if not one.done()):
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _keep_slow_timer(self) -> None:
        if self._slow_timer is None and not self._gone:
            self._slow_timer = self.loop.call_later(SLOW_S, self._slow_step)

    def _slow_step(self) -> None:
        """One second of a bad client's life: a byte out, or else what it sent is looked at."""
        self._slow_timer = None
        if self._trickle:
            self.transport.write(self._trickle[:1])
            self._trickle = self._trickle[1:]
            self._keep_slow_timer()
        elif self._closing:
            self.transport.close()
        elif self._task is None:
            self._go_on()
