from __future__ import annotations

import email
import email.policy
import mmap
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from hypothesis import given

from app.wire.message.packed import pack, unpack
from app.wire.message.part import MAX_DEPTH, MAX_PARTS, Part, parse_message, part_body, part_header
from tests.wire.message.strategies import messages

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def walk(part: Part) -> Iterator[Part]:
    yield part
    for child in (*part.children, *([part.message] if part.message else [])):
        yield from walk(child)


def leaves(data: bytes) -> list[bytes]:
    return [part_body(data, part) for part in walk(parse_message(data)) if not part.children and not part.message]


@given(messages)
def test_positions_of_any_bytes_nest_and_survive_packing(data):
    root = parse_message(data)
    assert root.header_start == 0
    assert root.body_end == len(data)
    for part in walk(root):
        assert part.header_start <= part.body_start <= part.body_end <= len(data)
        assert part.lines == data.count(b"\n", part.body_start, part.body_end)
        at = part.body_start
        for child in (*part.children, *([part.message] if part.message else [])):
            assert at <= child.header_start
            assert child.body_end <= part.body_end
            at = child.body_end
    assert unpack(pack(root)) == root


# What Dovecot 2.3.19 makes of each was looked up; the bodies of the leaves in order.
LEAVES = [
    (b"two parts", MIXED + b"pre\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue", [b"one", b"two\r\n"]),
    (b"bare LF", MIXED.replace(b"\r", b"") + b"--b\n\none\n--b\n\ntwo\n--b--\n", [b"one", b"two"]),
    (b"no closing delimiter", MIXED + b"--b\r\n\r\none\r\n", [b"one\r\n"]),
    (b"no delimiter", MIXED + b"text\r\n", [b""]),
    (b"closing delimiter only", MIXED + b"--b--\r\n", [b""]),
    (b"after the closing delimiter", MIXED + b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo", [b"one"]),
    (b"more on the line", MIXED + b"--bxx\r\n\r\none\r\n--b--zz\r\n", [b"one"]),
    (b"cut off in a delimiter", MIXED + b"--b\r\n\r\none\r\n--b", [b"one"]),
    (b"cut off after a delimiter", MIXED + b"--b\r\n\r\none\r\n--b\r\n", [b"one", b""]),
    (b"empty boundary", b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx\r\n----', [b"x"]),
    (b"no boundary", b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--", [b""]),
    (
        b"first boundary counts",
        b"Content-Type: multipart/x; boundary=b; boundary=c\r\n\r\n--b\r\n\r\ny\r\n--c",
        [b"y\r\n--c"],
    ),
    (b"continued boundary", b"Content-Type: multipart/x; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\ny", [b"y"]),
    (b"header without end", b"Subject: x", [b""]),
    (b"empty", b"", [b""]),
    (b"no header", b"\r\nbody", [b"body"]),
    (
        b"an inner boundary that begins with the outer one",
        MIXED
        + b"--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n--bb\r\n\r\nin\r\n--bb--\r\n--b\r\n\r\nout\r\n--b--",
        [b"in", b"out"],
    ),
    (
        b"equal boundaries, the inner one counts",
        MIXED + b"--b\r\n" + MIXED + b"--b\r\n\r\nin\r\n--b--\r\n--b\r\n\r\nout\r\n--b--",
        [b"in", b"out"],
    ),
    (
        b"an outer delimiter ends all inner parts",
        MIXED + b"--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\nin\r\n--b\r\n\r\nout\r\n--b--",
        [b"in", b"out"],
    ),
    (
        b"a delimiter not of the inner one alone is found again after the inner one",
        MIXED
        + b"--b\r\nContent-Type: multipart/x; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/x; boundary=bc\r\n\r\n"
        b"--bc\r\n\r\n1\r\n--bc\r\n\r\n2\r\n--x\r\n\r\n3\r\n--b--",
        [b"1", b"2", b"3"],
    ),
    (
        b"a header section that a delimiter cuts off has no body",
        MIXED + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n--b\r\n\r\none\r\n--b--",
        [b"", b"one"],
    ),
]


@pytest.mark.parametrize(("name", "data", "expected"), LEAVES, ids=[case[0].decode() for case in LEAVES])
def test_broken_multiparts_have_the_parts_that_dovecot_sees(name, data, expected):
    assert leaves(data) == expected


def test_line_end_behind_an_inner_closing_delimiter_belongs_to_the_inner_part():
    data = MIXED + b"--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\nin\r\n--c--\r\n--b--\r\n"
    assert part_body(data, parse_message(data).children[0]) == b"--c\r\n\r\nin\r\n--c--\r\n"


def test_multipart_without_parts_gets_one_empty_text_part():
    root = parse_message(MIXED + b"nothing")
    assert [(child.content_type.full, child.size) for child in root.children] == [("text/plain", 0)]


def test_parts_of_a_digest_are_messages_by_default():
    data = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: s\r\n\r\nbody\r\n--b\r\n"
    data += b"Content-Type: text/csv\r\n\r\n"
    first, second = parse_message(data).children
    assert first.content_type.full == "message/rfc822"
    assert first.message is not None
    assert part_header(data, first.message) == b"Subject: s\r\n\r\n"
    assert second.content_type.full == "text/csv"


@pytest.mark.parametrize("kind", [b"message/rfc822", b"message/global"])
def test_message_in_a_message_is_parsed(kind):
    data = b"Content-Type: " + kind + b"\r\n\r\n" + MIXED + b"--b\r\n\r\none\r\n--b--\r\n"
    root = parse_message(data)
    assert root.message is not None
    assert part_body(data, root.message.children[0]) == b"one"
    assert root.size == root.message.body_end - root.message.header_start


FIELDS = [
    (b"Content-Type: TEXT/Html; CharSet=UTF-8", "text/html", (("charset", "UTF-8"),)),
    (b'Content-Type: text/html (comment); x=y (another); z="a;b"', "text/html", (("x", "y"), ("z", "a;b"))),
    (b"Content-Type: text/html;; x=y; novalue; z=", "text/html", (("x", "y"), ("z", ""))),
    (
        b"Content-Type: image/png;\r\n\tname*0*=utf-8''a%20;\r\n\tname*1=\"b%\"",
        "image/png",
        (("name*", "utf-8''a%20b%25"),),
    ),
    (b"Content-Type: image/png; name*1=b; name*0=a; x=y", "image/png", (("x", "y"), ("name", "ab"))),
    (b'Content-Type: image/png; name="unterminated', "image/png", (("name", "unterminated"),)),
    (b"content-type : a/b", "a/b", ()),
    (b"Content-Type: nonsense", "text/plain", ()),
    (b"Content-Type: \0message/rfc822", "text/plain", ()),
    (b"Content-Type: a/b\r\nContent-Type: c/d", "a/b", ()),
    (b"X-Content-Type: a/b", "text/plain", ()),
]


@pytest.mark.parametrize(("header", "full", "params"), FIELDS)
def test_content_type_is_read_leniently(header, full, params):
    kind = parse_message(header + b"\r\n\r\nx").content_type
    assert (kind.full, kind.params) == (full, params)


def test_parts_beyond_the_limit_are_left_in_one_opaque_part():
    data = MIXED + b"--b\r\n\r\nx\r\n" * (MAX_PARTS * 3)
    root = parse_message(data)
    assert len(root.children) == MAX_PARTS - 1
    assert root.children[-1].body_end == root.body_end == len(data)


def _nested(count: int, multipart: bool) -> bytes:
    if not multipart:
        return b"Content-Type: message/rfc822\r\n\r\n" * count
    return b"".join(
        b"Content-Type: multipart/x; boundary=b%d\r\n\r\n--b%d\r\n" % (at, at) for at in range(1000, 1000 + count)
    )


@pytest.mark.parametrize("multipart", [False, True])
def test_parts_nested_too_deeply_are_opaque(multipart):
    found = list(walk(parse_message(_nested(MAX_DEPTH * 3, multipart))))
    assert len(found) == MAX_DEPTH + 1
    assert found[-1].content_type.full == "application/octet-stream"


def test_mapped_file_gives_the_same_tree_as_bytes():
    data = MIXED + b"--b\r\n\r\n" + b"line\r\n" * 400_000 + b"--b--\r\n"
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert parse_message(mapped) == parse_message(data)


def _sample(depth: int) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = "sämple"
    message.set_content("text\n\n--\nwith dashes\n" * 3)
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment(bytes(range(256)), maintype="image", subtype="png", filename="naïve name.png")
    if depth:
        message.add_attachment(_sample(depth - 1))
    return message


def test_well_formed_message_has_the_parts_that_the_email_package_sees():
    data = _sample(2).as_bytes()
    theirs = [
        (part.get_content_type(), part.get_payload(decode=False).encode())
        for part in email.message_from_bytes(data, policy=email.policy.SMTP).walk()
        if not part.is_multipart()
    ]
    ours = [
        (part.content_type.full, part_body(data, part).replace(b"\r\n", b"\n"))
        for part in walk(parse_message(data))
        if not part.children and not part.message
    ]
    assert [kind for kind, _ in ours] == [kind for kind, _ in theirs]
    assert [body for _, body in ours] == [body.replace(b"\r\n", b"\n") for _, body in theirs]
