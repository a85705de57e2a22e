"""LIST, LSUB, STATUS and NAMESPACE responses (RFC 9051 §7.3.1, RFC 3501 §7.2.3, RFC 5258, RFC 5819).

mailbox-list = "(" [attribute *(SP attribute)] ")" SP DQUOTE "/" DQUOTE SP mailbox [SP extended]
status       = "STATUS" SP mailbox SP "(" [item SP value *(SP item SP value)] ")"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.wire.imap.mailboxname import write_mailbox
from app.wire.imap.parse.mailbox import StatusItem

NAMESPACE: Final = b'* NAMESPACE (("" "/")) NIL NIL\r\n'  # one for the account's own mailboxes, none of others
ROOT: Final = b'* LIST (\\Noselect) "/" ""\r\n'  # what `LIST "" ""` asks for (RFC 9051 §6.3.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of an answer to LIST."""

    name: str
    attributes: tuple[str, ...] = ()  # such as \\HasChildren
    childinfo: tuple[str, ...] = ()  # selections that names below it meet, for RECURSIVEMATCH (RFC 5258 §3.5)
    old_name: str | None = None  # OLDNAME, after a rename (RFC 9051 §7.3.1)


def list_response(listed: Listed, *, utf8: bool) -> bytes:
    """One LIST response."""
    extended: list[bytes] = []
    if listed.childinfo:
        words = " ".join(f'"{word}"' for word in listed.childinfo)
        extended.append(f'"CHILDINFO" ({words})'.encode("ascii"))
    if listed.old_name is not None:
        extended.append(b'"OLDNAME" (%b)' % write_mailbox(listed.old_name, utf8=utf8))
    line = _line(b"LIST", listed.attributes, write_mailbox(listed.name, utf8=utf8))
    return b"* %b (%b)\r\n" % (line, b" ".join(extended)) if extended else b"* %b\r\n" % line


def lsub_response(name: str, attributes: Iterable[str] = (), *, utf8: bool) -> bytes:
    """One LSUB response."""
    return b"* %b\r\n" % _line(b"LSUB", attributes, write_mailbox(name, utf8=utf8))


def _line(kind: bytes, attributes: Iterable[str], mailbox: bytes) -> bytes:
    return b'%b (%b) "/" %b' % (kind, " ".join(attributes).encode("ascii"), mailbox)


def status_response(name: str, values: Mapping[StatusItem, int | str | None], *, utf8: bool) -> bytes:
    """One STATUS response; None is NIL, as for a limit that there is not, and text is an object id."""
    pairs = [f"{item.value} {_value(value)}" for item, value in values.items()]
    return b"* STATUS %b (%b)\r\n" % (write_mailbox(name, utf8=utf8), " ".join(pairs).encode("ascii"))


def _value(value: int | str | None) -> str:
    if value is None:
        return "NIL"
    return f"({value})" if isinstance(value, str) else str(value)
