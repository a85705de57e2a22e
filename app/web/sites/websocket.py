"""WebSockets through a forward: the handshake is checked and passed on, then bytes go both ways untouched (RFC 6455).

The backend must answer with 101 and the accept value of the client's key within `handshake_s`; any other answer of its
goes to the client as an answer. Extensions and subprotocols are between the two ends.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from starlette.responses import PlainTextResponse
from starlette.types import Scope

from app.net.httpclient import AnswerHead, BackendFault, Link

HANDSHAKE_S = 30.0

Headers = list[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_KEY_BYTES = 16
_VERSION = {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"}


def asks_websocket(scope: Scope) -> bool:
    """Whether the client wants to switch."""
    return _lists(scope["headers"], b"upgrade", b"websocket")


def refusal(scope: Scope, *, can_switch: bool) -> PlainTextResponse | None:
    """What is wrong with the request of a client that wants to switch (RFC 6455 §4.2.1)."""
    headers: Headers = scope["headers"]
    if not can_switch:
        return PlainTextResponse("501 - no WebSockets on this connection\n", 501)
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return PlainTextResponse("400 - a WebSocket begins with GET and HTTP/1.1\n", 400)
    if not _lists(headers, b"connection", b"upgrade"):
        return PlainTextResponse("400 - Connection does not list Upgrade\n", 400)
    if _value(headers, b"sec-websocket-version") != b"13":
        return PlainTextResponse("426 - this version of WebSockets is not known here\n", 426, _VERSION)
    if not _is_key(_value(headers, b"sec-websocket-key")):
        return PlainTextResponse("400 - Sec-WebSocket-Key is not 16 bytes in base64\n", 400)
    if any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers):
        return PlainTextResponse("400 - the request of a WebSocket has no body\n", 400)
    return None


def upgrade_fields() -> Headers:
    """What tells the backend, as fields for one hop are not passed on."""
    return [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]


def check_answer(scope: Scope, head: AnswerHead) -> Headers:
    """The fields of 101 for the client; raises BackendFault when the backend has not understood the handshake."""
    key = _value(scope["headers"], b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    if not _lists(head.headers, b"upgrade", b"websocket") or _value(head.headers, b"sec-websocket-accept") != accept:
        raise BackendFault("the backend's answer is not that of a WebSocket")
    return [
        (name, value) for name, value in head.headers if name.startswith(b"sec-websocket-") or name == b"set-cookie"
    ]


class BackendEnd:
    """The backend's end of a WebSocket."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def read(self) -> bytes:
        """What came; empty at the end."""
        return await self._link.read_raw()

    async def write(self, data: bytes) -> None:
        """Send, when there is room."""
        await self._link.write_raw(data)

    def close(self) -> None:
        """End it."""
        self._link.close()


def _lists(headers: Headers, name: bytes, token: bytes) -> bool:
    return any(
        token in (part.strip().lower() for part in value.split(b",")) for field, value in headers if field == name
    )


def _value(headers: Headers, name: bytes) -> bytes:
    """The only field of a name; empty when there is none or several."""
    values = [value.strip() for field, value in headers if field == name]
    return values[0] if len(values) == 1 else b""


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False
