"""Authentication-Results: what a server has found out about a message, for programs behind it (RFC 8601 §2.2).

    Authentication-Results: mx.example.org; dkim=pass (2048 bits) header.d=example.com header.s=mail

`write_results` makes the field, `parse_results` reads one (comments are dropped) and raises MessageSyntaxError.
Readers believe whatever names their own server, so fields that arrive with our name are forgeries: `removable` finds
them, however the name is written, and `without_claims` takes them out (§5). A field of which cannot be told whom it
names goes as well.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.errors import MessageSyntaxError, WireError
from app.wire.domain import parse_domain
from app.wire.message.compose import fold
from app.wire.message.encodedword import decode_words
from app.wire.message.header import field_name, raw_fields, read_comment, unfold

FIELD = "Authentication-Results"
MAX_TEXT = 320  # characters of a value or comment that is written
MAX_READ = 16 * 1024
MAX_RESULTS = 100
MAX_PROPERTIES = 30

_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~A-Za-z0-9-]+\Z")
_ADDRESS = re.compile(r"(?:[!#$%&'*+/=?^_`{|}~A-Za-z0-9-]+(?:\.[!#$%&'*+/=?^_`{|}~A-Za-z0-9-]+)*)?@[A-Za-z0-9._-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPECIAL_IN_COMMENT = re.compile(r"[()\\]")
_LEXEME = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*"?|\\.|[();]|[^"\\();]++|\\', re.DOTALL)
_VALUE = r'("[^"\\]*+(?:\\.[^"\\]*+)*"(?:@[^\s;"]++)?|[^\s;"]++)'
_SERVER = re.compile(rf"\s*{_VALUE}(?:\s+([0-9]{{1,9}}))?\s*\Z", re.DOTALL)
_METHOD = re.compile(r"\s*([A-Za-z0-9-]++)\s*(?:/\s*([0-9]{1,9})\s*)?=\s*([A-Za-z0-9-]++)(?=\s|\Z)")
_PROPERTY = re.compile(rf"\s+(?:(reason)|([A-Za-z0-9-]++)\s*\.\s*([A-Za-z0-9_-]++))\s*=\s*{_VALUE}", re.DOTALL | re.I)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Property:
    """What a result is about, such as `header.d=example.org`."""

    kind: str  # "smtp", "header", "body" or "policy"
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """The result of one method."""

    method: str
    result: str
    comment: str = ""
    reason: str = ""
    properties: tuple[Property, ...] = ()

    def value(self, kind: str, name: str) -> str:
        """The value of the first property of this name; empty without one."""
        return next((one.value for one in self.properties if (one.kind, one.name) == (kind, name)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationResults:
    """A field: who has checked, and what came out."""

    server: str
    version: int = 1
    results: tuple[MethodResult, ...] = ()


def write_results(server: str, results: Sequence[MethodResult]) -> bytes:
    """The whole field with its final line end; with no results it says that nothing was checked."""
    return fold(FIELD, "; ".join((_write_value(server), *(map(_write_result, results) if results else ("none",)))))


def _write_result(one: MethodResult) -> str:
    words = [f"{one.method}={one.result}"]
    if one.comment:
        words.append(f"({_SPECIAL_IN_COMMENT.sub(_escape, _clean(one.comment))})")
    if one.reason:
        words.append(f"reason={_quote(_clean(one.reason))}")
    words += [f"{each.kind}.{each.name}={_write_value(each.value)}" for each in one.properties]
    return " ".join(words)


def _write_value(value: str) -> str:
    """A token or an address as it is, anything else in quotes."""
    value = _clean(value)
    return value if _TOKEN.match(value) or _ADDRESS.match(value) else _quote(value)


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _clean(text: str) -> str:
    return _CONTROL.sub("?", text[:MAX_TEXT])


def parse_results(value: str) -> AuthenticationResults:
    """What an unfolded value says; raises MessageSyntaxError."""
    if len(value) > MAX_READ:
        raise MessageSyntaxError(f"{FIELD} is longer than {MAX_READ} characters")
    head, *parts = _segments(value)
    server = _SERVER.match(head)
    if not server:
        raise MessageSyntaxError(f"{FIELD} does not begin with the name of a server")
    if len(parts) > MAX_RESULTS:
        raise MessageSyntaxError(f"{FIELD} has more than {MAX_RESULTS} results")
    if parts and not parts[-1].strip():
        parts.pop()  # some end with a semicolon
    if not parts:
        raise MessageSyntaxError(f"{FIELD} has no result")
    results = () if [part.strip().lower() for part in parts] == ["none"] else tuple(map(_parse_result, parts))
    return AuthenticationResults(server=_unquote(server[1]), version=int(server[2] or 1), results=results)


def _parse_result(text: str) -> MethodResult:
    match = _METHOD.match(text)
    if not match:
        raise MessageSyntaxError(f"{FIELD} has a result that is not method=result")
    at, reason = match.end(), ""
    found: list[Property] = []
    while (part := _PROPERTY.match(text, at)) and len(found) < MAX_PROPERTIES:
        if part[1]:
            reason = _unquote(part[4])
        else:
            found.append(Property(part[2].lower(), part[3].lower(), _unquote(part[4])))
        at = part.end()
    if text[at:].strip():
        raise MessageSyntaxError(f"{FIELD} has something that is no property of a result")
    return MethodResult(method=match[1].lower(), result=match[3].lower(), reason=reason, properties=tuple(found))


def _segments(value: str) -> list[str]:
    """The text between semicolons, each comment replaced by a blank."""
    segments: list[list[str]] = [[]]
    at = 0
    while match := _LEXEME.match(value, at):
        lexeme, at = match[0], match.end()
        if lexeme == "(":
            at = read_comment(value, at).end
            segments[-1].append(" ")
        elif lexeme == ";":
            segments.append([])
        elif lexeme != ")":
            segments[-1].append(lexeme)
    return ["".join(segment) for segment in segments]


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    quoted, _, domain = text.rpartition('"')
    return _ESCAPED.sub(r"\1", quoted[1:]) + domain


def removable(fields: Sequence[bytes], our_hosts: Collection[str]) -> list[int]:
    """The positions of the raw fields that claim to be results of one of our hosts (RFC 8601 §5)."""
    ours = [form for host in our_hosts for form in _forms(host)]
    wanted = FIELD.lower().encode()
    return [index for index, raw in enumerate(fields) if field_name(raw) == wanted and _claims(raw, ours)]


def without_claims(header: bytes, our_hosts: Collection[str]) -> bytes:
    """The header section without the fields that claim to be ours; the same bytes when there are none."""
    fields = raw_fields(header)
    gone = set(removable(fields, our_hosts))
    if not gone:
        return header
    end = header[sum(map(len, fields)) :]
    return b"".join(raw for index, raw in enumerate(fields) if index not in gone) + end


def _claims(raw: bytes, ours: Sequence[str]) -> bool:
    value = unfold(raw.partition(b":")[2])
    if len(value) > MAX_READ and ";" not in value[:MAX_READ]:
        return True
    value = value[:MAX_READ]
    heads = (_segments(value)[0], value.partition(";")[0])
    return any(not head.strip() or _names(head, ours) for head in heads)


def _names(head: str, ours: Sequence[str]) -> bool:
    """Whether a text, in any of the ways to write it, has the name of one of our hosts in it as a whole."""
    plain = _folded(decode_words(_ESCAPED.sub(r"\1", head)))
    texts = (plain, "".join(plain.split()), plain.replace('"', ""))
    return any(_as_a_whole(host).search(text) for host in ours for text in texts)


@functools.lru_cache(maxsize=256)
def _as_a_whole(host: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-]){re.escape(host)}(?!\.?[\w-])")


@functools.lru_cache(maxsize=256)
def _forms(host: str) -> tuple[str, ...]:
    """A host's name as others may write it: in ASCII and in its own script."""
    try:
        domain = parse_domain(host)
    except WireError:
        return (_folded(host),)
    return tuple(dict.fromkeys((domain.ascii, _folded(domain.unicode))))


def _folded(text: str) -> str:
    """Capital, wide and similar letters made equal, much as domain names are compared (UTS 46)."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\u3002", ".")
