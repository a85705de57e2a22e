"""A small strict reader of the IMAP responses that nest: parentheses, quoted strings, literals, numbers, NIL.

It takes exactly what RFC 3501 and RFC 9051 allow (no empty list, no raw 8-bit byte in a quoted string, literals without
NUL) and raises SexpError otherwise, so a test that reads our bytes with it checks that every client can.
"""

from __future__ import annotations

import re
from typing import Any

_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(0|[1-9][0-9]*)\}\r\n")
_ATOM = re.compile(rb"NIL|0|[1-9][0-9]*")


class SexpError(Exception):
    """The bytes are not what IMAP allows."""


def read_sexp(data: bytes) -> Any:
    """The value: lists, bytes, int or None. All of `data` must be used."""
    value, end = _read(data, 0)
    if end != len(data):
        raise SexpError(f"rest after {end}: {data[end : end + 40]!r}")
    return value


def _read(data: bytes, at: int) -> tuple[Any, int]:
    if data[at : at + 1] == b"(":
        return _read_list(data, at + 1)
    if match := _QUOTED.match(data, at):
        return re.sub(rb"\\(.)", rb"\1", match[1]), match.end()
    if match := _LITERAL.match(data, at):
        end = match.end() + int(match[1])
        if end > len(data) or b"\0" in data[match.end() : end]:
            raise SexpError(f"bad literal at {at}")
        return data[match.end() : end], end
    if match := _ATOM.match(data, at):
        return (None if match[0] == b"NIL" else int(match[0])), match.end()
    raise SexpError(f"unexpected bytes at {at}: {data[at : at + 40]!r}")


def _read_list(data: bytes, at: int) -> tuple[list[Any], int]:
    values: list[Any] = []
    while True:
        value, at = _read(data, at)
        values.append(value)
        after = data[at : at + 1]
        if after == b")":
            return values, at + 1
        if after == b" ":
            at += 1
        elif not (after == b"(" and isinstance(value, list)):  # body and address lists stand without spaces
            raise SexpError(f"no space at {at}: {data[at : at + 40]!r}")


def check_address_list(value: Any) -> None:
    """`"(" 1*address ")" / nil`, four nstrings each."""
    if value is None:
        return
    for address in value:
        assert len(address) == 4
        assert all(field is None or isinstance(field, bytes) for field in address)


def check_envelope(value: Any) -> None:
    """RFC 9051 §9 envelope."""
    assert len(value) == 10
    for index in (0, 1, 8, 9):
        assert value[index] is None or isinstance(value[index], bytes)
    for addresses in value[2:8]:
        check_address_list(addresses)


def check_body(value: Any, extended: bool) -> None:
    """RFC 9051 §9 body: the shape of every part, with or without extension data."""
    if isinstance(value[0], list):
        children = [item for item in value if isinstance(item, list)]
        count = next(index for index, item in enumerate(value) if not isinstance(item, list))
        for child in children[:count]:
            check_body(child, extended)
        assert isinstance(value[count], bytes)
        rest = value[count + 1 :]
        assert len(rest) == (4 if extended else 0)
        if extended:
            check_params(rest[0])
            _check_extension(rest[1:])
        return
    kind, subtype, params, content_id, description, encoding, size, *rest = value
    assert isinstance(kind, bytes)
    assert isinstance(subtype, bytes)
    check_params(params)
    assert isinstance(encoding, bytes)
    assert isinstance(size, int)
    for text in (content_id, description):
        assert text is None or isinstance(text, bytes)
    if kind == b"message" and subtype in (b"rfc822", b"global"):
        check_envelope(rest[0])
        check_body(rest[1], extended)
        assert isinstance(rest[2], int)
        rest = rest[3:]
    elif kind == b"text":
        assert isinstance(rest[0], int)
        rest = rest[1:]
    assert len(rest) == (4 if extended else 0)
    if extended:
        assert rest[0] is None or isinstance(rest[0], bytes)
        _check_extension(rest[1:])


def check_params(value: Any) -> None:
    """`"(" string SP string *(...) ")" / nil`."""
    if value is not None:
        assert len(value) % 2 == 0
        assert all(isinstance(text, bytes) for text in value)


def _check_extension(value: Any) -> None:
    disposition, language, location = value
    if disposition is not None:
        assert isinstance(disposition[0], bytes)
        check_params(disposition[1])
        assert len(disposition) == 2
    for text in language if isinstance(language, list) else [language]:
        assert text is None or isinstance(text, bytes)
    assert location is None or isinstance(location, bytes)
