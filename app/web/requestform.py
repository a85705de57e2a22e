"""ASGI middleware: refuses requests that can be read in two ways, and brings the others into one form.

A request with two lengths is refused, as servers differ in which they believe; so are versions of HTTP that are not
ours, and targets without a path. The absolute form (`GET http://host/path`, RFC 9112 §3.2.2) becomes the usual one: its
host counts, and what Host says does not.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_FIELDS = 200  # of a request; browsers send about twenty
MAX_HEADER_BYTES = 32 * 1024

_CLOSE = {"Connection": "close"}
_VERSIONS = frozenset(("1.0", "1.1"))
_ABSOLUTE = re.compile(rb"https?://([^/?#@]{1,300})(/.*)?", re.I | re.S)


class RequestForm:
    """In front of everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope)
        if refusal is None and not scope["raw_path"].startswith(b"/"):
            usual = _usual_form(scope)
            refusal = _no_path(scope) if usual is None else None
            scope = usual or scope
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refusal(scope: Scope) -> Response | None:
    if scope["http_version"] not in _VERSIONS:
        return PlainTextResponse("505 - this server speaks HTTP/1.1\n", 505, _CLOSE)
    if len(scope["headers"]) > MAX_FIELDS:
        return PlainTextResponse("431 - too many header fields\n", 431, _CLOSE)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return PlainTextResponse("431 - the fields of this request are too long\n", 431, _CLOSE)
    names = {name for name, _ in scope["headers"]}
    if b"transfer-encoding" in names and b"content-length" in names:
        return PlainTextResponse("400 - the length of this request is not clear\n", 400, _CLOSE)
    return None


def _usual_form(scope: Scope) -> Scope | None:
    match = _ABSOLUTE.fullmatch(scope["raw_path"])
    if match is None:
        return None
    raw = match[2] or b"/"
    headers = [(b"host", match[1]), *((name, value) for name, value in scope["headers"] if name != b"host")]
    return {**scope, "raw_path": raw, "path": unquote(raw.decode("latin-1")), "headers": headers}


def _no_path(scope: Scope) -> Response:
    if scope["method"] == "CONNECT":
        return PlainTextResponse("405 - this server is no proxy\n", 405, {"Allow": "GET, HEAD, POST", **_CLOSE})
    if scope["method"] == "OPTIONS" and scope["raw_path"] == b"*":
        return Response(status_code=204)
    return PlainTextResponse("400 - the request has no path\n", 400, _CLOSE)
