"""Content-Type and Content-Disposition: a value with parameters (RFC 2045 §5.1, RFC 2183 §2, RFC 2231).

Types and parameter names are lower-case, parameter values are as written. Reading is lenient and never raises: a type
that cannot be read is None, a parameter that cannot be read is left out, an unterminated quoted string ends with the
value. Continuations (`name*0`, `name*1*`) are joined into one parameter; one with an encoded piece keeps the
asterisk (`name*`) and its percent-encoding, as a client that reads BODYSTRUCTURE must see which charset it has.
`param` gives the decoded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from app.wire.message.encodedword import decode_extended, decode_words
from app.wire.message.header import strip_comments

MAX_PARAMS = 64  # of one field; real ones have up to a dozen
MAX_TOKEN = 128  # RFC 6838 §4.2 allows 127 characters for each half of a type

Params = tuple[tuple[str, str], ...]

_TOKEN = r"([^\s\x00-\x1f\x7f/;=()<>@,:\\\"\[\]?]+)"
_TYPE = re.compile(rf"\s*{_TOKEN}\s*/\s*{_TOKEN}")
_WORD = re.compile(r'\s*"?([^\s;="]+)"?')
_PARAM = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"?|([^;\s]*+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"([^*]+)\*([0-9]{1,3})(\*?)\Z")


@dataclass(frozen=True, slots=True)
class ContentType:
    """`type/subtype; name=value`, lower-case but for the values."""

    type: str
    subtype: str
    params: Params = ()

    def param(self, name: str) -> str | None:
        """The decoded value of a parameter."""
        return find_param(self.params, name)

    @property
    def full(self) -> str:
        """`type/subtype`."""
        return f"{self.type}/{self.subtype}"


@dataclass(frozen=True, slots=True)
class Disposition:
    """`inline`, `attachment` or another word, with parameters such as `filename`."""

    kind: str
    params: Params = ()

    def param(self, name: str) -> str | None:
        """The decoded value of a parameter."""
        return find_param(self.params, name)


TEXT_PLAIN = ContentType("text", "plain")  # RFC 2045 §5.2
MESSAGE_RFC822 = ContentType("message", "rfc822")
OCTET_STREAM = ContentType("application", "octet-stream")


def find_param(params: Params, name: str) -> str | None:
    """The decoded value of a parameter; the RFC 2231 form goes before the plain one, which is for older readers."""
    plain = None
    for key, value in params:
        if key == name + "*":
            return decode_extended(value)
        if key == name and plain is None:
            plain = value
    # Encoded words are not allowed in parameters (RFC 2047 §5), but many clients write file names so.
    return decode_words(plain) if plain is not None else None


def parse_content_type(value: str) -> ContentType | None:
    """The type that `value` names, or None when it names none."""
    text = strip_comments(value)
    match = _TYPE.match(text)
    if not match:
        return None
    return ContentType(match[1].lower()[:MAX_TOKEN], match[2].lower()[:MAX_TOKEN], parse_params(text, match.end()))


def parse_disposition(value: str) -> Disposition | None:
    """The disposition that `value` names, or None when it names none."""
    text = strip_comments(value)
    match = _WORD.match(text)
    return Disposition(match[1].lower()[:MAX_TOKEN], parse_params(text, match.end())) if match else None


def parse_params(text: str, start: int = 0) -> Params:
    """The parameters after `start`, with continuations joined."""
    params: list[tuple[str, str]] = []
    pieces = False
    for match in _PARAM.finditer(text, start):
        name, quoted, token = match.groups()
        if len(params) == MAX_PARAMS:
            break
        value = token if quoted is None else _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted
        params.append((name[:MAX_TOKEN].lower(), value))
        pieces = pieces or "*" in name
    return _join_continuations(params) if pieces else tuple(params)


def _join_continuations(params: Iterable[tuple[str, str]]) -> Params:
    """RFC 2231 §3: pieces are joined in the order of their numbers, and stand after the other parameters."""
    plain: list[tuple[str, str]] = []
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, value in params:
        if match := _PIECE.match(name):
            pieces.setdefault(match[1], {}).setdefault(int(match[2]), (bool(match[3]), value))
        else:
            plain.append((name, value))
    return (*plain, *(_join(name, numbered) for name, numbered in pieces.items()))


def _join(name: str, numbered: dict[int, tuple[bool, str]]) -> tuple[str, str]:
    run: list[tuple[bool, str]] = []
    while len(run) in numbered:  # a gap ends the value
        run.append(numbered[len(run)])
    if not any(encoded for encoded, _ in run):
        return name, "".join(value for _, value in run)
    # Only the first piece says charset and language; a piece that is not encoded may hold a percent sign as itself.
    start = "" if run[0][0] else "''"
    return name + "*", start + "".join(value if encoded else _percent(value) for encoded, value in run)


def _percent(value: str) -> str:
    return quote(value.encode("utf-8", "surrogateescape"), safe=" !#$&+-.^_`{}~")
