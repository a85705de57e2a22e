"""A form with a file, as browsers send it (multipart/form-data, RFC 7578): the fields first, then the file as a stream.

    form = await read_upload(visit, "archive")
    async for data in form.chunks(): ...

The fields are checked, with the token of the session, before a byte of the file is taken. A form of ours has its file
at the end; what comes behind it is not looked at.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.errors import Refusal
from app.web.forms import Form
from app.web.visit import Visit

MAX_HEAD: Final = 16 * 1024  # bytes of the header of a part
MAX_FIELD: Final = 64 * 1024
MAX_FIELDS: Final = 50
MAX_DRAINED: Final = 16 << 20

_BOUNDARY = re.compile(r"multipart/form-data\s*;.*?\bboundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE)
_NAME = re.compile(rb"[;\s]name=\"([^\"\r\n]*)\"", re.IGNORECASE)
_FILENAME = re.compile(rb"[;\s]filename=\"([^\"\r\n]*)\"", re.IGNORECASE)
_STRANGE: Final = "this form cannot be understood; please reload the page and try again"


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
    filename: str | None


class _Parts:
    """The parts of a body, one after the other."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream = stream
        self._mark = b"\r\n--" + boundary
        self._buffer = b"\r\n"  # the first mark has no line before it

    async def next(self) -> _Head | None:
        """The next part; the one before has been read to its end."""
        while self._mark not in self._buffer:
            self._buffer = self._buffer[-len(self._mark) :]
            await self._more()
        self._buffer = self._buffer.partition(self._mark)[2]
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            return None
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > MAX_HEAD:
                raise Refusal(_STRANGE)
            await self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        name, filename = _NAME.search(head), _FILENAME.search(head)
        if name is None:
            raise Refusal(_STRANGE)
        return _Head(_text(name[1]), _text(filename[1]) if filename else None)

    async def read(self) -> bytes:
        """More of the part, none at its end."""
        while True:
            place = self._buffer.find(self._mark)
            if place == 0:
                return b""
            length = place if place > 0 else len(self._buffer) - len(self._mark)
            if length > 0:
                data, self._buffer = self._buffer[:length], self._buffer[length:]
                return data
            await self._more()

    async def _more(self) -> None:
        async for data in self._stream:
            if data:
                self._buffer += data
                return
        raise Refusal("the upload broke off; please try again")


class UploadForm(Form):
    """The fields, and the file that is still coming."""

    def __init__(self, fields: dict[str, tuple[str, ...]], parts: _Parts, filename: str) -> None:
        super().__init__(fields)
        self._parts = parts
        self.filename = filename

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the file; raises Refusal when it breaks off."""
        while data := await self._parts.read():
            yield data

    async def drain(self) -> None:
        """Take what is left of a small file: a browser that is still sending shows no answer."""
        size = 0
        async for data in self.chunks():
            size += len(data)
            if size > MAX_DRAINED:
                return


async def read_upload(visit: Visit, name: str) -> UploadForm:
    """The form, up to the file of that name; raises Refusal."""
    found = _BOUNDARY.match(visit.request.headers.get("content-type", ""))
    if found is None:
        raise Refusal("this is not a form that a page of ours sends")
    parts = _Parts(visit.request.stream(), (found[1] or found[2]).encode("latin-1", "replace"))
    fields: dict[str, tuple[str, ...]] = {}
    while (head := await parts.next()) is not None and len(fields) < MAX_FIELDS:
        if head.filename is not None:
            token = fields.get("csrf", ("",))[0]
            if head.name != name or not hmac.compare_digest(token.encode(), visit.session.csrf.encode()):
                raise Refusal("this form is from another sign-in; go back, reload the page and try again")
            return UploadForm(fields, parts, head.filename)
        value = b""
        while data := await parts.read():
            value += data
            if len(value) > MAX_FIELD:
                raise Refusal(_STRANGE)
        fields[head.name] = (_text(value),)
    raise Refusal(_STRANGE)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("%22", '"')
