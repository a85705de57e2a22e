"""Writing messages: header fields folded and encoded, text and multipart bodies (RFC 5322 §2.2.3, RFC 2045, RFC 2046).

    write_message([write_field("Subject", "mail delivery failed"), fold("To", write_mailbox(name, address))],
                  multipart("report", [text(...), raw("message/delivery-status", ...)]))

All lines end in CRLF and none is longer than 998 bytes. Text is sent as it is when it is ASCII in short lines and as
quoted-printable otherwise, so that any server takes it; `may_be_8bit` keeps UTF-8 as it is. Boundaries are taken from
the content, so one input gives one output. Values are made safe: a line break in a value cannot begin a field.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.wire.message.encodedword import encode_extended, encode_words
from app.wire.message.header import Field

MAX_LINE = 78  # RFC 5322 §2.1.1, recommended; 998 is the end
MAX_HARD_LINE = 998

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r?\n|\r")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Content:
    """A body with the fields that describe it."""

    fields: tuple[Field, ...]
    body: bytes


def fold(name: str, value: str) -> bytes:
    """A field whose value is ready for the wire, folded at blanks, with its final line end."""
    value = _CONTROL.sub(" ", value).strip()
    lines: list[str] = []
    line = f"{name}:"
    for word in value.split(" "):
        if len(line) + 1 + len(word) > MAX_LINE and line.strip() and line != f"{name}:":
            lines.append(line)
            line = "\t" + word
        else:
            line += " " + word
    lines.append(line)
    return "\r\n".join(each.rstrip() if each.strip() else each for each in lines).encode("utf-8", "replace") + b"\r\n"


def write_field(name: str, value: str, utf8: bool = False) -> bytes:
    """A field with text for people; what is not ASCII becomes encoded words unless the message may be UTF-8."""
    value = _CONTROL.sub(" ", value)
    return fold(name, value if utf8 else encode_words(value))


def write_mailbox(name: str, address: str, utf8: bool = False) -> str:
    """`name <address>` as a value that needs no further encoding."""
    name = _CONTROL.sub(" ", name).strip()
    if not name:
        return f"<{address}>"
    if not name.isascii() and not utf8:
        return f"{encode_words(name)} <{address}>"
    if _PHRASE.fullmatch(name) and "=?" not in name:
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def write_param(name: str, value: str) -> str:
    """`name=value`, quoted or in the extended form of RFC 2231 where needed."""
    value = _CONTROL.sub(" ", value)
    if not value.isascii():
        return f"{name}*={encode_extended(value)}"
    if _TOKEN.fullmatch(value):
        return f"{name}={value}"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{quoted}"'


def text(content: str, subtype: str = "plain", may_be_8bit: bool = False) -> Content:
    """A text part."""
    body = "\r\n".join(_LINE_END.split(content)).encode("utf-8", "replace").replace(b"\0", b"")
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    charset = "us-ascii" if body.isascii() else "utf-8"
    encoding = _choose_encoding(body, may_be_8bit)
    if encoding == "quoted-printable":
        body = _quoted_printable(body)
    fields = (
        Field("Content-Type", f"text/{subtype}; charset={charset}"),
        Field("Content-Transfer-Encoding", encoding),
    )
    return Content(fields, body)


def _choose_encoding(body: bytes, may_be_8bit: bool) -> str:
    is_short = max(map(len, body.split(b"\r\n"))) <= MAX_HARD_LINE
    if is_short and body.isascii():
        return "7bit"
    return "8bit" if is_short and may_be_8bit else "quoted-printable"


def _quoted_printable(body: bytes) -> bytes:
    encoded = binascii.b2a_qp(body, quotetabs=False, istext=True)
    return encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def raw(content_type: str, body: bytes, description: str = "") -> Content:
    """A part whose body is ready: delivery-status, the header or the whole of a message."""
    fields = [Field("Content-Type", content_type)]
    if description:
        fields.append(Field("Content-Description", description))
    if not body.isascii():
        fields.append(Field("Content-Transfer-Encoding", "8bit"))
    return Content(tuple(fields), body)


def attachment(content_type: str, body: bytes, filename: str) -> Content:
    """A file, in base64."""
    fields = (
        Field("Content-Type", content_type),
        Field("Content-Transfer-Encoding", "base64"),
        Field("Content-Disposition", f"attachment; {write_param('filename', filename)}"),
    )
    # 57 bytes make a line of 76 characters (RFC 2045 §6.8).
    lines = [binascii.b2a_base64(body[at : at + 57], newline=False) for at in range(0, len(body), 57)]
    return Content(fields, b"\r\n".join(lines) + b"\r\n")


def multipart(subtype: str, parts: Sequence[Content], params: Sequence[Field] = ()) -> Content:
    """A multipart; `params` are further parameters of its type, such as `report-type`."""
    written = [b"".join(fold(field.name, field.value) for field in part.fields) + b"\r\n" + part.body for part in parts]
    boundary = _boundary(written)
    words = [f"multipart/{subtype}", *(write_param(param.name, param.value) for param in params)]
    delimiter = b"--" + boundary.encode("ascii")
    body = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in written) + delimiter + b"--\r\n"
    fields = [Field("Content-Type", "; ".join([*words, write_param("boundary", boundary)]))]
    if not body.isascii():
        fields.append(Field("Content-Transfer-Encoding", "8bit"))
    return Content(tuple(fields), body)


def _boundary(written: Iterable[bytes]) -> str:
    joined = b"\r\n".join(written)
    digest = hashlib.sha256(joined).hexdigest()
    # `=_` stands in no quoted-printable body (RFC 2045 §6.7); other bodies are searched.
    while f"=_{digest[:24]}".encode("ascii") in joined:
        digest = hashlib.sha256(digest.encode("ascii")).hexdigest()
    return f"=_{digest[:24]}"


def write_message(fields: Sequence[bytes], content: Content) -> bytes:
    """The whole message: the written fields in order, MIME-Version, the content."""
    described = [fold(field.name, field.value) for field in content.fields]
    return b"".join([*fields, b"MIME-Version: 1.0\r\n", *described, b"\r\n", content.body])


def wrap(words: str, width: int = 72) -> str:
    """Paragraphs (parted by empty lines) broken into lines for people."""
    paragraphs = words.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(paragraph, width, break_long_words=False) for paragraph in paragraphs) + "\n"
