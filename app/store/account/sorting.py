"""Messages in the order that SORT asks for (RFC 5256 §2.2, RFC 5957).

One query reads what the criteria look at, for the whole mailbox or a few messages: dates, sizes and base subjects are
columns, addresses come from the ready header fields. Texts compare by their casemap. Messages that a criterion cannot
tell apart keep the order of the mailbox, also when the criterion is reversed. Runs on a reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import total_ordering
from pathlib import Path
from typing import Any, Final

from app.store.account.reader import read_message
from app.store.account.search import Match
from app.wire.imap.parse.sort import Criterion, SortKey
from app.wire.message.addresses import AddressGroup, HeaderAddress, parse_addresses
from app.wire.message.collation import casemap
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_field

FEW = 200  # messages that are looked up one by one
MAX_ADDRESS = 2048  # characters of a list that are looked at; only the first address counts

_COLUMNS: Final = {
    SortKey.ARRIVAL: "m.internaldate",
    SortKey.DATE: "COALESCE(c.sent, m.internaldate)",
    SortKey.SIZE: "m.size_bytes",
    SortKey.SUBJECT: "c.base_subject",
}
_FIELDS: Final = {
    SortKey.CC: "Cc",
    SortKey.FROM: "From",
    SortKey.TO: "To",
    SortKey.DISPLAYFROM: "From",
    SortKey.DISPLAYTO: "To",
}
_DISPLAYED: Final = frozenset({SortKey.DISPLAYFROM, SortKey.DISPLAYTO})


def sort_matches(
    db: sqlite3.Connection, msg_dir: Path, mailbox_id: int, matches: list[Match], criteria: Sequence[Criterion]
) -> list[Match]:
    """The matches, which come by uid, sorted; the first criterion counts most."""
    keys = tuple(dict.fromkeys(criterion.key for criterion in criteria))
    values = _read(db, msg_dir, mailbox_id, {match.uid for match in matches}, keys)
    ordered = [match for match in matches if match.uid in values]
    for criterion in reversed(criteria):
        ordered.sort(key=_value_of(values, keys.index(criterion.key)), reverse=criterion.is_reverse)
    return ordered


@total_ordering
class Downwards:
    """A value that comes after a higher one."""

    __slots__ = ("value",)

    def __init__(self, value: float | str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Downwards) and bool(self.value == other.value)

    def __lt__(self, other: Downwards) -> bool:
        return bool(other.value < self.value)  # type: ignore[operator]

    def __hash__(self) -> int:
        return hash(self.value)


Rank = tuple[Any, ...]  # a value for each criterion, and the uid


def rank_matches(
    db: sqlite3.Connection, msg_dir: Path, mailbox_id: int, matches: list[Match], criteria: Sequence[Criterion]
) -> list[Rank]:
    """What sorts in the order that `sort_matches` makes; for a few messages that join others."""
    keys = tuple(dict.fromkeys(criterion.key for criterion in criteria))
    values = _read(db, msg_dir, mailbox_id, {match.uid for match in matches}, keys)
    places = [(keys.index(criterion.key), criterion.is_reverse) for criterion in criteria]
    return [
        (*(Downwards(row[place]) if is_reverse else row[place] for place, is_reverse in places), uid)
        for uid, row in values.items()
    ]


def _value_of(values: dict[int, list[Any]], place: int) -> Callable[[Match], Any]:
    return lambda match: values[match.uid][place]


def _read(
    db: sqlite3.Connection, msg_dir: Path, mailbox_id: int, uids: set[int], keys: tuple[SortKey, ...]
) -> dict[int, list[Any]]:
    """By uid, the values of the keys."""
    columns = [_COLUMNS.get(key, "c.list_fields") for key in keys]
    makers = [_maker(key) for key in keys]
    query = (
        f"SELECT m.uid, c.id, {', '.join(columns)} FROM message m JOIN content c ON c.id = m.content_id"
        " WHERE m.mailbox_id = ?"
    )
    if len(uids) <= FEW:
        query += f" AND m.uid IN ({','.join('?' * len(uids))})"
        rows = db.execute(query, (mailbox_id, *uids))
    else:
        rows = db.execute(query + " ORDER BY m.uid", (mailbox_id,))
    found: dict[int, list[Any]] = {}
    for uid, content_id, *raw in rows:
        if uid not in uids:
            continue
        if b"" in raw:  # the ready fields were too long to keep
            message = read_message(db, msg_dir, content_id)
            raw = [(message.header() if message else b"") if value == b"" else value for value in raw]
        found[uid] = [make(value) for make, value in zip(makers, raw, strict=True)]
    return found


def _maker(key: SortKey) -> Callable[[Any], Any]:
    """A function from the column to the value that is compared."""
    if key is SortKey.SUBJECT:
        return casemap
    if key in _COLUMNS:
        return lambda value: value
    name, shown = _FIELDS[key], displayed if key in _DISPLAYED else mailbox_name
    return lambda fields: casemap(shown(_first_address(fields, name)))


def _first_address(fields: bytes, name: str) -> HeaderAddress | AddressGroup | None:
    addresses = parse_addresses((find_field(fields, name) or "")[:MAX_ADDRESS])
    return addresses[0] if addresses else None


def mailbox_name(address: HeaderAddress | AddressGroup | None) -> str:
    """The addr-mailbox of ENVELOPE: the localpart, or the name of a group."""
    if address is None:
        return ""
    return address.name if isinstance(address, AddressGroup) else address.localpart


def displayed(address: HeaderAddress | AddressGroup | None) -> str:
    """What people see: the decoded name, or else the address (RFC 5957 §3)."""
    if address is None:
        return ""
    if isinstance(address, AddressGroup):
        return decode_words(address.name)
    if address.name:
        return address.name_text
    return f"{address.localpart}@{address.domain}" if address.domain else address.localpart
