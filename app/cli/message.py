"""Commands about a single message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.messagefile import read_message

if TYPE_CHECKING:
    from app.wire.message.part import Part

_FIELDS = ("From", "Sender", "To", "Cc", "Subject", "Date", "Message-ID")


def _parse(invocation: Invocation) -> int:
    from app.wire.message.part import parse_message

    (name,) = invocation.expect(1)
    data = read_message(name)
    print(json.dumps(_tree(data, parse_message(data)), indent="\t"))
    return 0


def _tree(data: bytes, part: Part, *, is_message: bool = True) -> dict[str, Any]:
    """A part and those in it as JSON can hold them."""
    from app.wire.message.part import part_header

    details = part.details
    tree: dict[str, Any] = {"Type": part.content_type.full, "Parameters": dict(part.content_type.params)}
    if is_message:
        tree["Header"] = _header(part_header(data, part))
    if details.disposition:
        tree["Disposition"] = details.disposition.kind
        tree["DispositionParameters"] = dict(details.disposition.params)
    if details.id:
        tree["ContentID"] = _text(details.id)
    tree |= {
        "TransferEncoding": part.encoding,
        "HeaderOffset": part.header_start,
        "BodyOffset": part.body_start,
        "EndOffset": part.body_end,
        "Lines": part.lines,
        "DecodedSize": None if part.is_multipart else _decoded_size(data, part),
    }
    if part.children:
        tree["Parts"] = [_tree(data, child, is_message=False) for child in part.children]
    if part.message:
        tree["Message"] = _tree(data, part.message)
    return tree


def _header(header: bytes) -> dict[str, str]:
    """The fields that people look at, decoded."""
    from app.wire.message.encodedword import decode_words
    from app.wire.message.header import find_field

    found = ((name, find_field(header, name)) for name in _FIELDS)
    return {name: _text(decode_words(value)) for name, value in found if value is not None}


def _text(value: str) -> str:
    """Text in which every byte that was no UTF-8 is a replacement character."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decoded_size(data: bytes, part: Part) -> int:
    from app.wire.message.decode import decode_body

    return len(decode_body(data, part))


COMMANDS = (
    Command(
        words="message parse",
        arguments="file",
        help="""Print the structure of a message as JSON.

Takes a file, or - for standard input. Each part has its type, its offsets in the message (with the line ends of the
wire), and the parts or the message in it.

    mox message parse message.eml
""",
        run=_parse,
        flags=(Flag("smtputf8", "text may be UTF-8; so it may without this flag, which others need", Value.NOTHING),),
    ),
)
