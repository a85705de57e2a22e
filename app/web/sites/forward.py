"""WebForward: a request goes on to another web server, and its answer comes back, both as streams.

The backend sees the Host of the client and, in X-Forwarded-For, -Host and -Proto, who asked, for what and how; what the
client sent of that kind is taken out, also with underscores, which some frameworks take for hyphens. Fields that are
for one connection only go no further (RFC 9110 §7.6.1). The path goes on as it was written, unless it has dot segments
or empty ones or a part was stripped: what was matched and what the backend sees must be the same.

A backend that cannot be reached or does not keep to HTTP gives 502, one that takes too long 504, each with a number
that the log has with the reason. After the head of the answer is sent a fault ends the connection, so that the client
sees that something is missing. A client that goes away ends the request at the backend. Requests that may be repeated
(RFC 9110 §9.2.2) and have no body are, once, when a kept connection turns out to be over.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.config.webhandlers import WebForward
from app.log import logger
from app.net.httpclient import SWITCHING, AnswerHead, BackendFault, Backends, BackendTimeout, Link, Origin, RequestHead
from app.web.exchange import Exchange, exchange_of
from app.web.sites import websocket
from app.web.sites.pathrules import clean_path, is_clean
from app.web.upgrades import splice, switch_of

ANSWER_S = 120.0  # from the last we sent to the head of the answer
SILENCE_S = 600.0  # between two parts of an answer
LAST_STATUS = 599  # RFC 9110 §15
NO_CONTENT = 204

Headers = list[tuple[bytes, bytes]]

_ONE_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade expect".split()
)
_NEVER_LISTED = frozenset((b"host", b"content-length"))  # a client that lists these in Connection changes nothing
_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_NOT_FORWARDED = frozenset(("CONNECT", "TRACE"))
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")

log = logger("http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a backend may take."""

    answer_s: float = ANSWER_S
    silence_s: float = SILENCE_S
    handshake_s: float = websocket.HANDSHAKE_S


_USUAL = Limits()


class Forward:
    """An ASGI application that passes requests to one backend."""

    def __init__(self, setting: WebForward, backends: Backends, limits: Limits = _USUAL) -> None:
        parts = urlsplit(setting.url)
        is_tls = parts.scheme == "https"
        self.origin = Origin(host=parts.hostname or "", port=parts.port or (443 if is_tls else 80), is_tls=is_tls)
        self.backends = backends
        self.limits = limits
        self.response_headers: Headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in setting.response_headers.items()
        ]
        self._base = quote(parts.path.rstrip("/"), safe=_PATH_SAFE + "%").encode()
        self._query = quote(parts.query, safe=_PATH_SAFE + "%?").encode()
        self._netloc = parts.netloc.rpartition("@")[2].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, stripped: str | None = None) -> None:
        """Answer a request; `stripped` is the path that remains when a part of it was taken off."""
        refusal = _refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if websocket.asks_websocket(scope):
            fault = await self._pass_websocket(scope, receive, send, stripped)
        else:
            fault = await _Passage(self, self._head(scope, stripped), receive, send).run()
        if fault is not None:
            await self._fault_page(fault, exchange_of(scope))(scope, receive, send)

    async def _pass_websocket(
        self, scope: Scope, receive: Receive, send: Send, stripped: str | None
    ) -> BackendFault | None:
        head = self._head(scope, stripped)
        asked = replace(head, headers=[*head.headers, *websocket.upgrade_fields()])
        passage = _Passage(self, asked, receive, send)
        link: Link | None = None
        try:
            link = await self.backends.link(self.origin, may_be_kept=False)
            answer = await self._shake_hands(link, asked)
            if answer.status != SWITCHING:
                await passage.relay_watched(link, answer)
            else:
                await self._splice(scope, link, websocket.check_answer(scope, answer))
        except BaseException as error:
            if link is not None:
                link.close()
            if not isinstance(error, BackendFault):
                raise
            return passage.told(error)
        return None

    async def _shake_hands(self, link: Link, asked: RequestHead) -> AnswerHead:
        try:
            async with asyncio.timeout(self.limits.handshake_s):
                await link.ask(asked)
                await link.end_body()
                return await link.answer_head()
        except TimeoutError:
            raise BackendTimeout("the backend does not answer the handshake") from None

    async def _splice(self, scope: Scope, link: Link, fields: Headers) -> None:
        switch, exchange = switch_of(scope), exchange_of(scope)
        assert switch is not None  # it was looked at before
        client = switch([*websocket.upgrade_fields(), *fields])
        exchange.is_websocket, exchange.status = True, SWITCHING
        try:
            await splice(client, websocket.BackendEnd(link))
        finally:
            exchange.received, exchange.sent = client.received, client.sent

    def _head(self, scope: Scope, stripped: str | None) -> RequestHead:
        target = self._base + _target_path(scope, stripped)
        if query := b"&".join(part for part in (self._query, scope["query_string"]) if part):
            target += b"?" + query
        headers = _to_backend(scope)
        if all(name != b"host" for name, _ in headers):
            headers.insert(0, (b"host", self._netloc))
        return RequestHead(method=scope["method"].encode(), target=target, headers=headers)

    def _fault_page(self, fault: BackendFault, exchange: Exchange) -> PlainTextResponse:
        number = exchange.reference
        log.error("backend", cid=exchange.cid, host=self.origin.host, port=self.origin.port, error=str(fault))
        if isinstance(fault, BackendTimeout):
            return PlainTextResponse(f"504 - gateway timeout (id {number})\n", 504)
        return PlainTextResponse(f"502 - bad gateway (id {number})\n", 502)


@dataclass(slots=True)
class _Passage:
    """One request on its way through."""

    forward: Forward
    head: RequestHead
    receive: Receive
    send: Send
    has_started: bool = False  # the client has the head of the answer
    deadline: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    async def run(self) -> BackendFault | None:
        """Do it; a fault is for the caller to tell as long as the client has heard nothing."""
        link: Link | None = None
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in self.head.headers)
        may_repeat = not has_body and self.head.method.decode() in _REPEATABLE
        try:
            while True:
                link = await self.forward.backends.link(self.forward.origin, may_be_kept=may_repeat)
                may_repeat = False
                was_fresh = link.is_fresh
                try:
                    await self._exchange(link, has_body)
                    return None
                except BackendTimeout:
                    raise
                except BackendFault:
                    link.close()
                    if was_fresh or self.has_started:
                        raise
        except BackendFault as fault:
            if link is not None:
                link.close()
            return self.told(fault)
        except BaseException:
            if link is not None:
                link.close()
            raise

    def told(self, fault: BackendFault) -> BackendFault | None:
        """The fault, if the client can still be told of it."""
        if not self.has_started:
            return fault
        log.error("backend broke off", host=self.forward.origin.host, error=str(fault))
        return None  # the answer stays incomplete, and the server ends the connection

    async def _exchange(self, link: Link, has_body: bool) -> None:
        """Ask and answer at the same time, as a backend may answer before it has the whole body."""
        upload = asyncio.create_task(self._upload(link, has_body))
        answer = asyncio.create_task(self._answer(link))
        try:
            await asyncio.wait((upload, answer), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and upload.result():
                link.close()  # the client has gone: nobody waits for an answer
                return
            await answer
        finally:
            upload.cancel()
            if not answer.done():
                answer.cancel()
                link.close()
            await asyncio.gather(upload, answer, return_exceptions=True)

    async def relay_watched(self, link: Link, head: AnswerHead) -> None:
        """Pass an answer on as long as the client is there."""
        answer, gone = asyncio.create_task(self.relay(link, head)), asyncio.create_task(self._gone())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                await answer
        finally:
            if not answer.done():
                link.close()
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _upload(self, link: Link, has_body: bool) -> bool:
        """Send the request and watch the client; True when it has gone, False when the backend takes no more."""
        try:
            await link.ask(self.head)
            more = has_body
            if not has_body:
                await link.end_body()
            while True:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    return True
                if more:
                    more = await self._pass_on(link, message)
        except BackendFault:
            return False  # it may have answered all the same

    async def _pass_on(self, link: Link, message: Message) -> bool:
        if message.get("body"):
            await link.send_body(message["body"])
        self._put_off()
        if message.get("more_body"):
            return True
        await link.end_body()
        return False

    def _put_off(self) -> None:
        """The backend took something: it has its time again."""
        if self.deadline.when() is not None and not self.deadline.expired():
            self.deadline.reschedule(asyncio.get_running_loop().time() + self.forward.limits.answer_s)

    async def _answer(self, link: Link) -> None:
        await self.relay(link, await self._answer_head(link))

    async def relay(self, link: Link, head: AnswerHead) -> None:
        """Pass an answer on, and give the connection back."""
        try:
            await self._begin(head)
            while data := await self._part(link):
                await self.send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise BackendTimeout("the backend does not answer") from None
        self.forward.backends.give_back(self.forward.origin, link)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer_head(self, link: Link) -> AnswerHead:
        try:
            async with asyncio.timeout(self.forward.limits.answer_s) as self.deadline:
                return await link.answer_head()
        except TimeoutError:
            raise BackendTimeout("the backend does not answer") from None
        finally:
            self.deadline = asyncio.timeout(None)

    async def _part(self, link: Link) -> bytes:
        async with asyncio.timeout(self.forward.limits.silence_s):
            return await link.answer_body()

    async def _begin(self, head: AnswerHead) -> None:
        if head.status > LAST_STATUS:
            raise BackendFault(f"the backend answers with the status {head.status}")
        headers = _to_client(head, self.forward.response_headers)
        self.has_started = True
        await self.send({"type": "http.response.start", "status": head.status, "headers": headers})


def _refusal(scope: Scope) -> PlainTextResponse | None:
    """What cannot be passed on."""
    if scope["method"] in _NOT_FORWARDED:
        return PlainTextResponse("405 - method not allowed\n", 405, {"Allow": "GET, HEAD, POST, PUT, DELETE, PATCH"})
    if not _raw_path(scope).startswith(b"/"):
        return PlainTextResponse("400 - the request has no path\n", 400)
    if websocket.asks_websocket(scope):
        return websocket.refusal(scope, can_switch=switch_of(scope) is not None)
    return None


def _raw_path(scope: Scope) -> bytes:
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else quote(scope["path"], safe=_PATH_SAFE).encode()


def _target_path(scope: Scope, stripped: str | None) -> bytes:
    """The path for the backend."""
    path: str = scope["path"]
    if is_clean(path):
        raw = _raw_path(scope) if stripped is None else _raw_rest(scope, stripped)
        if raw is not None:
            return raw
    return quote(clean_path(path if stripped is None else "/" + stripped), safe=_PATH_SAFE).encode()


def _raw_rest(scope: Scope, stripped: str) -> bytes | None:
    """What remains of a path, as it was written; None when it was not the beginning that was taken off."""
    path, rest, raw = scope["path"], stripped.lstrip("/"), _raw_path(scope)
    if not path.endswith(rest):
        return None
    taken, decoded, at = path[: len(path) - len(rest)].encode(), bytearray(), 0
    while len(decoded) < len(taken) and at < len(raw):
        written = _ESCAPED.match(raw, at)
        decoded.append(int(written[1], 16) if written is not None else raw[at])
        at = written.end() if written is not None else at + 1
    return b"/" + raw[at:] if decoded == taken else None


def _to_backend(scope: Scope) -> Headers:
    """The fields of the request, as the backend gets them."""
    received: Headers = scope["headers"]
    dropped = _one_hop(received)
    kept = [(name, value) for name, value in received if name not in dropped and not _says_who(name)]
    if any(name == b"transfer-encoding" for name, _ in received):
        kept.append((b"transfer-encoding", b"chunked"))
    host = next((value for name, value in received if name == b"host"), b"")
    client = scope.get("client")
    kept.append((b"x-forwarded-for", client[0].encode() if client else b"unknown"))
    kept.append((b"x-forwarded-host", host))
    kept.append((b"x-forwarded-proto", scope["scheme"].encode()))
    return kept


def _says_who(name: bytes) -> bool:
    plain = name.replace(b"_", b"-")
    return plain == b"forwarded" or plain.startswith(b"x-forwarded")


def _to_client(head: AnswerHead, added: Headers) -> Headers:
    """The fields of the answer; those that are configured take the place of the backend's."""
    received: Headers = head.headers
    dropped = _one_hop(received) | {name for name, _ in added} | {b"date"}  # our own server says the date
    if head.status == NO_CONTENT or any(name == b"transfer-encoding" for name, _ in received):
        dropped |= {b"content-length"}
    return [(name, value) for name, value in received if name not in dropped] + added


def _one_hop(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Names of fields that are for this connection only, those that Connection lists among them."""
    listed = {token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")}
    return _ONE_HOP | (listed - _NEVER_LISTED)
