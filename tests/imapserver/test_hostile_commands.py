"""Every command with arguments that nobody means well with: an answer, bounded memory, and work that grows linearly."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from app.wire.imap.events import BadCommand, CommandReceived
from app.wire.imap.server import ImapServer
from app.wire.imap.table import COMMANDS

MOST = 16_000  # bytes; a line can have a little more
LITERALS = 1000

# Repeated to fill a line: what comes before, what is repeated, what comes after.
SHAPES = {
    "atom": (" ", "a", ""),
    "words": ("", " a", ""),
    "digits": (" ", "9", ""),
    "open": (" ", "(", ""),
    "open and close": (" ", "()", ""),
    "nested list": ("", " (a", ")"),
    "quotes": (' "', '\\"', '"'),
    "strings": (" (", '"a" ', ")"),
    "set": (" ", "1:*,", "1 FLAGS"),
    "numbers": (" ", "1,", "2 FLAGS"),
    "wildcards": (' "" ', "%*", ""),
    "patterns": (' "" (', "% ", "a)"),
    "not": ("", " NOT", " ALL"),
    "or": ("", " OR", " ALL"),
    "or of or": ("", " OR ALL", " ALL"),
    "keys in brackets": ("", " (OR ALL (NOT", " ALL"),
    "keys": ("", " SEEN", " ALL"),
    "search words": ("", " TEXT a", ""),
    "header keys": ("", ' HEADER a "b"', ""),
    "return": (" RETURN (", "ALL ", "COUNT) ALL"),
    "sort": (" (", "REVERSE ", "DATE) UTF-8 ALL"),
    "sort criteria": (" (", "DATE ", "DATE) UTF-8 ALL"),
    "items": (" 1 (", "FLAGS ", "UID)"),
    "section": (" 1 BODY[", "1.", "1]"),
    "fields": (" 1 BODY[HEADER.FIELDS (", "a ", "b)]"),
    "bodies": (" 1 (", "BODY[1] ", "UID)"),
    "flags": (" 1 FLAGS (", "\\Seen ", "a)"),
    "store flags": (" 1 +FLAGS ", "a ", "b"),
    "append flags": (" Inbox (", "a ", "b) {3+}"),
    "entries": (' "" (', "/private/a ", "/private/b)"),
    "entries with values": (' "" (', '/private/a "b" ', "/private/b NIL)"),
    "status items": (" Inbox (", "MESSAGES ", "UIDNEXT)"),
    "levels": (" ", "a/", "a"),
    "modified utf-7": (" ", "&AOk-", ""),
    "id": (" (", '"a" "b" ', '"c" NIL)'),
    "qresync": (" Inbox (QRESYNC (1 1 ", "1:2,", "9))"),
    "base64": (" PLAIN ", "AAAA", ""),
    "charset": (" CHARSET ", "x", " ALL"),
    "list options": (" (", "SUBSCRIBED ", 'REMOTE) "" "*" RETURN (CHILDREN)'),
}


def line(name: str, shape: tuple[str, str, str], size: int) -> bytes:
    before, repeated, after = shape
    start = f"x {name}{before}"
    return (start + repeated * ((size - len(start) - len(after)) // len(repeated)) + after + "\r\n").encode()


def steps(data: bytes, *, is_signed_in: bool = True) -> int:
    """How many calls it takes to read a command and answer it; it must be answered once, and nothing be left of it."""
    machine = ImapServer()
    machine.is_signed_in = is_signed_in
    machine.append_limit = 1 << 20 if is_signed_in else 0
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    answers = []
    sys.setprofile(counted)
    try:
        machine.receive_data(data)
        while (event := machine.next_event()) is not None:
            answers.append(event)
    finally:
        sys.setprofile(None)
    ends = [event for event in answers if isinstance(event, BadCommand | CommandReceived)]
    assert len(ends) <= 1
    assert len(ends) == 1 or machine.held_bytes < 100 or b"{3+}" in data
    assert machine.held_bytes <= len(data) + 16  # a literal counts when it is announced
    return count


@pytest.mark.parametrize("name", COMMANDS)
def test_work_grows_with_the_length_of_a_command_and_not_faster(name: str):
    for label, shape in SHAPES.items():
        few, many = steps(line(name, shape, MOST // 8)), steps(line(name, shape, MOST))
        assert many <= 10 * few + 500, f"{name} with {label}: {few} calls for 1/8 of the length, {many} for all"


@pytest.mark.parametrize("name", COMMANDS)
def test_many_literals_are_bounded_in_number_and_size(name: str):
    for literal in (b" {1+}\r\na", b" {1+}\r\n(", b" (OR TEXT {1+}\r\na", b" ~{1+}\r\na"):
        few, many = (
            steps(b"x " + name.encode() + literal * count + b"\r\n") for count in (LITERALS // 8, LITERALS + 10)
        )
        assert many <= 10 * few + 500, (name, literal)


@pytest.mark.parametrize("name", COMMANDS)
def test_large_literal_is_refused_before_it_is_read(name: str):
    for size in (101 * 1024, 1 << 30, 4_294_967_295, 9_999_999_999):
        for is_signed_in in (False, True):
            machine = ImapServer()
            machine.is_signed_in = is_signed_in
            machine.append_limit = 100_000 if is_signed_in else 0
            machine.receive_data(f"x {name} Inbox {{{size}}}\r\n".encode())
            assert isinstance(machine.next_event(), BadCommand)
            assert machine.next_event() is None


@pytest.mark.parametrize(
    "shape", [b"x", b"x LOGIN {60000+}\r\n", b"x LOGIN {9+}\r\n123456789", b'x LOGIN "', b"x ID ("]
)
def test_before_login_no_client_makes_us_hold_more_than_64_kib(shape: bytes):
    machine, most = ImapServer(), 0
    for _ in range(200):
        machine.receive_data(shape + b"y" * 4096)
        while machine.next_event() is not None:
            pass
        most = max(most, machine.held_bytes)
    assert most <= 64 * 1024 + 4096
