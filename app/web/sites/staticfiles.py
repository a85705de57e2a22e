"""WebStatic: files of a directory, for browsers (RFC 9110 §13 to §15).

    path -> below the root? -> file | directory: index.html, list, or nothing -> condition -> range -> form -> answer

What is not found is answered with 404, or left to the next handler with ContinueNotFound. A directory without its final
slash is redirected to the path with it; a file with one does not exist. Ranges are of the file as it lies there; whole
files are sent in a smaller form where the handler has Compress and the client takes it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from app import ids
from app.clock import SYSTEM
from app.config.webhandlers import WebStatic
from app.log import logger
from app.web.exchange import exchange_of
from app.web.sites import conditions, encoding
from app.web.sites.compressed import SUFFIXES, CompressedFiles
from app.web.sites.conditions import Range, Unsatisfiable, asked_fields
from app.web.sites.filecontent import Content, Contents
from app.web.sites.listing import listing
from app.web.sites.openfile import Missing, Unreadable
from app.web.sites.staticplaces import Does, Place, find_place

_METHODS = ("GET", "HEAD")

HeaderList = list[tuple[bytes, bytes]]

log = logger("http")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticOptions:
    """What all handlers of files share."""

    contents: Contents
    compressed: CompressedFiles

    @classmethod
    def below(cls, directory: Path) -> StaticOptions:
        """With compressed files kept in a directory of ours."""
        contents = Contents()
        return cls(contents=contents, compressed=CompressedFiles(directory, contents))


class StaticFiles:
    """The files of one handler."""

    def __init__(self, setting: WebStatic, options: StaticOptions, *, compress: bool) -> None:
        self._setting = setting
        self._root = os.path.abspath(setting.root)
        self._options = options
        self._compress = compress
        self._added: HeaderList = [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in setting.response_headers.items()
        ]

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a request whose path is clean; False, and nothing sent, when the next handler should."""
        if scope["method"] not in _METHODS:
            if self._setting.continue_not_found:
                return False
            await PlainTextResponse("405 - only GET and HEAD\n", 405, {"Allow": "GET, HEAD"})(scope, receive, send)
            return True
        try:
            found = await self._find(scope)
            if isinstance(found, Place):
                await self._send(found, scope, send)
                return True
        except Missing:
            found = PlainTextResponse("404 page not found\n", 404)
        except Unreadable:
            found = PlainTextResponse("403 - not for visitors\n", 403)
        except OSError as error:
            found = self._fault(error, scope)
        if found.status_code in (403, 404) and self._setting.continue_not_found:
            return False
        await found(scope, receive, send)
        return True

    def _fault(self, error: OSError, scope: Scope) -> Response:
        exchange = exchange_of(scope)
        if exchange.status:
            raise error  # the answer has begun, and breaks off
        log.error("a file cannot be read", cid=exchange.cid, path=scope["path"][:300], error=error)
        return PlainTextResponse(f"500 - internal server error (id {exchange.reference})\n", 500)

    async def _find(self, scope: Scope) -> Place | Response:
        """The file, or what is said instead. Raises Missing, Unreadable, OSError."""
        shown: str = scope["path"]
        place = find_place(self._setting, self._root, shown)
        if place.does is Does.FILE:
            return place
        if place.does is Does.REDIRECT:
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(quote(shown) + "/" + (f"?{query}" if query else ""), 307)
        if place.does is Does.NO_LIST:
            return PlainTextResponse("403 - there is no list of these files\n", 403)
        page = await asyncio.to_thread(listing, self._root, place.path, shown)
        added = {name.decode(): value.decode("latin-1") for name, value in self._added if name != b"content-type"}
        return Response(page, media_type="text/html", headers={"X-Content-Type-Options": "nosniff"} | added)

    async def _send(self, place: Place, scope: Scope, send: Send) -> None:
        fields, is_head = asked_fields(scope["headers"]), scope["method"] == "HEAD"
        if is_head:
            fields.pop("range", None)  # it means something for GET only (RFC 9110 §14.2)
        content = await self._options.contents.open(self._root, place.path, place.signature)
        answer = _Answer(content, self._added, is_head)
        try:
            answer.varies = self._varies(answer.content)
            if answer.varies and "range" not in fields:
                await self._take_form(answer, place.path, fields.get("accept-encoding", ""))
            await answer.send(fields, send, exchange_of(scope).cid)
        finally:
            answer.close()

    def _varies(self, content: Content) -> bool:
        is_right_size = encoding.MIN_SIZE <= content.signature.size <= encoding.MAX_SIZE
        return self._compress and is_right_size and encoding.is_compressible(content.media_type)

    async def _take_form(self, answer: _Answer, path: str, accepted: str) -> None:
        """Give it the smallest form that the client takes."""
        files, left = self._options.compressed, list(SUFFIXES)
        while left and (coding := encoding.choose(accepted, left)) != encoding.IDENTITY:
            form = await files.beside(self._root, path, answer.content.signature, coding)
            mark = f"{coding}-{form.signature.etag[1:-1]}" if form is not None else coding
            if form is None and coding == "gzip":
                form = await files.gzipped(path, answer.content)
            if form is not None and form.signature.size < answer.content.signature.size:
                answer.form, answer.coding, answer.mark = form, coding, f"-{mark}"
                return
            if form is not None:
                form.close()
            left.remove(coding)


@dataclass(slots=True)
class _Answer:
    """A file as it is sent."""

    content: Content
    added: HeaderList
    is_head: bool
    varies: bool = False
    form: Content | None = None  # what is sent in its place
    coding: str = ""
    mark: str = ""  # of the form, at the end of the entity tag
    _headers: HeaderList = field(default_factory=list)

    def close(self) -> None:
        """Nothing more is sent."""
        self.content.close()
        if self.form is not None:
            self.form.close()

    async def send(self, fields: Mapping[str, str], send: Send, cid: int) -> None:
        """Say what the request asks for."""
        signature = self.content.signature
        etag = f'{signature.etag[:-1]}{self.mark}"'
        self._headers = self._usual(etag)
        status = conditions.condition(fields, etag, signature.modified)
        if status != 200:
            await self._send_empty(status, send)
            return
        try:
            parts = conditions.ranges(fields, etag, signature.modified, signature.size) if not self.coding else []
        except Unsatisfiable:
            self._headers.append((b"content-range", f"bytes */{signature.size}".encode()))
            await self._send_empty(416, send)
            return
        try:
            await (self._send_parts(parts, send) if parts else self._send_whole(send))
        except OSError as error:
            log.warn("a file broke off", cid=cid, error=error)  # and so does the answer: uvicorn ends the connection

    def _usual(self, etag: str) -> HeaderList:
        headers = [
            (b"etag", etag.encode()),
            (b"accept-ranges", b"bytes"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if self.content.signature.modified <= SYSTEM.now():  # none is later than the answer (RFC 9110 §8.8.2.1)
            headers.append((b"last-modified", self.content.last_modified.encode()))
        if self.varies:
            headers.append((b"vary", b"Accept-Encoding"))
        names = {name for name, _ in self.added}
        return [header for header in headers if header[0] not in names] + self.added

    async def _send_empty(self, status: int, send: Send) -> None:
        length = [] if status == 304 else [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": self._headers + length})
        await send({"type": "http.response.body", "body": b""})

    async def _send_whole(self, send: Send) -> None:
        content = self.form or self.content
        if self.coding:
            self._headers.append((b"content-encoding", self.coding.encode()))
        await self._send(200, self._kind, content.signature.size, _whole(content), send)

    @property
    def _kind(self) -> str:
        given = (value.decode("latin-1") for name, value in self.added if name == b"content-type")
        return next(given, self.content.media_type)

    async def _send_parts(self, parts: Sequence[Range], send: Send) -> None:
        size, kind = self.content.signature.size, self._kind
        if len(parts) == 1:
            start, end = parts[0]
            self._headers.append((b"content-range", f"bytes {start}-{end - 1}/{size}".encode()))
            await self._send(206, kind, end - start, self.content.read(start, end), send)
            return
        boundary = ids.boundary()
        heads = [
            f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{end - 1}/{size}\r\n\r\n".encode()
            for start, end in parts
        ]
        last = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + end - start + 2 for head, (start, end) in zip(heads, parts, strict=True)) + len(last)
        body = self._multipart(heads, parts, last)
        await self._send(206, f'multipart/byteranges; boundary="{boundary}"', length, body, send)

    async def _multipart(self, heads: Sequence[bytes], parts: Sequence[Range], last: bytes) -> AsyncIterator[bytes]:
        for head, (start, end) in zip(heads, parts, strict=True):
            yield head
            async for piece in self.content.read(start, end):
                yield piece
            yield b"\r\n"
        yield last

    async def _send(self, status: int, kind: str, length: int, body: AsyncIterator[bytes], send: Send) -> None:
        headers = [header for header in self._headers if header[0] != b"content-type"]
        headers += [(b"content-length", str(length).encode()), (b"content-type", kind.encode("latin-1"))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        last = b""
        if not self.is_head:
            async for piece in body:
                if last:
                    await send({"type": "http.response.body", "body": last, "more_body": True})
                last = piece
        await send({"type": "http.response.body", "body": last})


def _whole(content: Content) -> AsyncIterator[bytes]:
    return content.read(0, content.signature.size)
