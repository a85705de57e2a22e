"""Conditional requests and ranges of a file: what the fields of a request ask for. Pure (RFC 9110 §13 and §14).

Times are whole seconds since 1970. A range is a pair of the first byte and the one behind the last.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_RANGES = 16  # more than any program needs; a request for more gets the whole

Range = tuple[int, int]

_RANGES = re.compile(r"bytes=([0-9,\s-]{1,400})", re.I | re.A)
_ONE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})", re.A)


@dataclass(frozen=True, slots=True)
class Unsatisfiable(Exception):
    """No byte of the file is asked for."""


_FIELDS = {
    name.encode(): name
    for name in (
        *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
        *("if-range", "range", "accept-encoding"),
    )
}


def asked_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The fields that say what is asked for; those that come more than once are one list (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for raw, value in headers:
        if (name := _FIELDS.get(raw)) is not None:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def condition(headers: Mapping[str, str], etag: str, modified: int) -> int:
    """200 to go on, 304 when the client has it already, 412 when it is not what the client means (§13.2.2)."""
    if (wanted := headers.get("if-match")) is not None:
        if not _lists(wanted, etag, weak=False):
            return 412
    elif (moment := _moment(headers.get("if-unmodified-since"))) is not None and modified > moment:
        return 412
    if (known := headers.get("if-none-match")) is not None:
        return 304 if _lists(known, etag, weak=True) else 200
    since = _moment(headers.get("if-modified-since"))
    return 304 if since is not None and modified <= since else 200


def ranges(headers: Mapping[str, str], etag: str, modified: int, size: int) -> list[Range]:
    """The parts that are asked for; none for the whole. Raises Unsatisfiable."""
    match = _RANGES.fullmatch(headers.get("range", ""))
    if match is None or not _if_range(headers.get("if-range"), etag, modified):
        return []
    specs = [_ONE.fullmatch(part.strip()) for part in match[1].split(",")]
    if len(specs) > MAX_RANGES:
        return []
    found: list[Range] = []
    for spec in specs:
        if spec is None or spec[0] == "-" or (spec[1] and spec[2] and int(spec[2]) < int(spec[1])):
            return []
        start, end = _bounds(spec[1], spec[2], size)
        if start < end:
            found.append((start, end))
    if not found:
        raise Unsatisfiable
    return found if sum(end - start for start, end in found) <= size else []


def _bounds(first: str, last: str, size: int) -> Range:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _if_range(field: str | None, etag: str, modified: int) -> bool:
    """Whether the client's parts are of the file as it is now."""
    if field is None:
        return True
    if field.strip().startswith(('"', "W/")):
        return field.strip() == etag
    return _moment(field) == modified


def _lists(field: str, etag: str, *, weak: bool) -> bool:
    if field.strip() == "*":
        return True
    tags = (tag.strip() for tag in field.split(","))
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)


def _moment(field: str | None) -> int | None:
    if field is None or len(field) > 60:
        return None
    try:
        moment = parsedate_to_datetime(field)
        if moment.tzinfo is None:  # the form of asctime, which is UTC (§5.6.7)
            moment = moment.replace(tzinfo=datetime.UTC)
        return int(moment.timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
