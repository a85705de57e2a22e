"""Odd messages: CPython's own test data where it is installed, and generated ones of every MIME shape.

Generated messages depend on their number alone, so that a difference found once is found again.
"""

from __future__ import annotations

import random
import re
from importlib import util
from pathlib import Path

GENERATED = 600
DAMAGED = 200
_TYPES = (
    b"text/plain",
    b"TEXT/HTML; charset=iso-8859-1",
    b'text/plain; charset="utf-8"; format=flowed',
    b"text/plain; charset=koi8-r",
    b"text/plain; charset=nonsense",
    b"image/png; name=pic.png",
    b'image/png; name="a \\"quoted\\" name.png"',
    b"image/png; name*=utf-8''%e2%82%ac.png",
    b"image/png; name*0=a; name*1=b.png",
    b"image/png; name*0*=utf-8''%e2%82%ac; name*1=rest.png",
    b"application/octet-stream",
    b"application/x-thing; a=1; b=2;",
    b"audio/mpeg ; (a comment) name = x",
    b"message/delivery-status",
    b"message/partial; id=a; number=1",
    b"message/external-body; access-type=local-file",
    b"text/plain; name=\xe2\x82\xac.txt",
    b"text/plain; name=unquoted name.txt",
    b"video/mp4",
    b"model/vrml",
)
_ENCODINGS = (
    b"7bit",
    b"8bit",
    b"binary",
    b"base64",
    b"BASE64",
    b"quoted-printable",
    b"Quoted-Printable (comment)",
    b"x-unknown",
    b"",
)
_DETAILS = {
    "id": (b"Content-ID: <part@example.com>",),
    "description": (
        b"Content-Description: what it is",
        b"Content-Description: =?utf-8?b?4oKs?=",
        b"Content-Description:\r\n folded\r\n\ttwice",
    ),
    "disposition": (
        b"Content-Disposition: attachment; filename=a.txt",
        b'Content-Disposition: INLINE; filename="a b.txt"; size=12',
        b"Content-Disposition: attachment",
        b"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac",
    ),
    "language": (b"Content-Language: de", b"Content-Language: de, en-GB"),
    "location": (b"Content-Location: http://example.com/a",),
    "md5": (b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",),
}
_ADDRESSES = (
    b"a@example.com",
    b"<a@example.com>",
    b"A B <a@example.com>",
    b'"B, A" <a@example.com>',
    b'"q \\"q\\" \\\\" <a@example.com>',
    b"=?utf-8?q?J=C3=B6rg?= <joerg@example.com>",
    b"J\xc3\xb6rg <joerg@example.com>",
    b"J\xf6rg <joerg@example.com>",
    b"a@example.com (A Comment)",
    b"friends: a@example.com, B <b@example.com>;",
    b"undisclosed-recipients:;",
    b"<@relay.example.com:a@example.com>",
    b"a",
    b"<a>",
    b"<>",
    b"A <>",
    b"a@",
    b"@example.com",
    b"A.B. C <a@example.com>",
    b'"a b"@example.com',
    b"a@[192.0.2.1]",
    b"a@example.com>",
    b"A <a@example.com> B",
    b"A\r\n B <a@example.com>",
    b"(only a comment)",
    b"",
    b"group: a@example.com",
    b"A (c) B <a (d) @ example.com>",
)
_SUBJECTS = (
    b"plain",
    b"",
    b" spaces  within ",
    b"folded\r\n here\r\n\tand there",
    b"=?utf-8?b?4oKs?=",
    b"\xe2\x82\xac raw",
    b"\xff\xfe raw",
    b'"quoted" \\ back',
    b"x" * 900,
    b"Re: [list] Fwd: plain (fwd)",
)
_FIELDS = (b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc")
_TEXTS = (
    b"one line",
    b"two\r\nlines\r\n",
    b"",
    b"\r\n",
    b"\r\n\r\nempty lines first",
    b"caf\xc3\xa9 \xe2\x82\xac\r\n",
    b"caf\xe9\r\n",
    b"\xd0\xcf\xc9\xd3\xcb\r\n",
    b"aGVsbG8gd29ybGQ=\r\n",
    b"aGVsbG8\r\nd29ybGQ",
    b"aGVs bG8g*d29ybGQ=\r\ntrailing",
    b"caf=C3=A9 soft=\r\n line=20\r\nbad=zz =",
    b"trailing spaces   \r\nand tab\t\r\n",
    b"--not-a-boundary\r\n-- \r\nsignature",
)


def messages() -> dict[str, bytes]:
    """All of them by name, with CRLF."""
    found = {f"generated {number}": generated(number) for number in range(GENERATED)}
    return from_cpython() | found


def damaged_messages() -> dict[str, bytes]:
    """Others that something happened to on the way, by name."""
    return {f"damaged {number}": damaged(number) for number in range(DAMAGED)}


def from_cpython() -> dict[str, bytes]:
    """The test data of Python's email package; none where the installed Python came without its tests."""
    package = util.find_spec("test") and util.find_spec("test.test_email")
    if not package or package.origin is None:
        return {}
    folder = Path(package.origin).parent / "data"
    return {path.stem: _with_crlf(path.read_bytes()) for path in sorted(folder.glob("msg_*.txt"))}


def _with_crlf(data: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", data)


def generated(number: int) -> bytes:
    """The message of a number."""
    rng = random.Random(number)
    lines = [name + b": " + rng.choice(_ADDRESSES) for name in _FIELDS if rng.random() < 0.5]
    if rng.random() < 0.8:
        lines.append(b"Subject: " + rng.choice(_SUBJECTS))
    if rng.random() < 0.7:
        lines.append(b"Message-ID: " + rng.choice((b"<m@example.com>", b"m@example.com", b"<m@a> <n@a>", b"")))
    if rng.random() < 0.3:
        lines.append(b"In-Reply-To: " + rng.choice((b"<m@example.com>", b"your message of <m@a>", b"\r\n <m@a>")))
    if rng.random() < 0.8:
        lines.append(b"Date: " + rng.choice((b"Fri, 21 Nov 1997 09:55:06 -0600", b"yesterday", b"21 Nov 97 09:55 GMT")))
    rng.shuffle(lines)
    lines.append(b"MIME-Version: 1.0")
    return b"".join(line + b"\r\n" for line in lines) + _entity(rng, 0)


def _entity(rng: random.Random, depth: int) -> bytes:
    """The MIME fields of a part, an empty line, and its body."""
    shape = rng.random() if depth < 4 else 1
    details = list({name: rng.choice(lines) for name, lines in _DETAILS.items() if rng.random() < 0.2}.values())
    if shape < 0.4:
        header, body = _multipart(rng, depth)
    elif shape < 0.5:
        header, body = [b"Content-Type: message/rfc822"], generated_within(rng, depth)
    else:
        header, body = _leaf(rng)
    header += details
    return b"".join(line + b"\r\n" for line in header) + b"\r\n" + body


def generated_within(rng: random.Random, depth: int) -> bytes:
    """A message in a message."""
    fields = b"From: " + rng.choice(_ADDRESSES) + b"\r\nSubject: " + rng.choice(_SUBJECTS) + b"\r\n"
    return fields + _entity(rng, depth + 1)


def _leaf(rng: random.Random) -> tuple[list[bytes], bytes]:
    header = [b"Content-Type: " + rng.choice(_TYPES)]
    if rng.random() < 0.6:
        header.append(b"Content-Transfer-Encoding: " + rng.choice(_ENCODINGS))
    return header, rng.choice(_TEXTS)


def _multipart(rng: random.Random, depth: int) -> tuple[list[bytes], bytes]:
    kind = rng.choice(
        (b"mixed", b"alternative", b'related; type="text/html"', b"digest", b"signed; micalg=x", b"x-odd")
    )
    boundary = rng.choice((b"b%d" % depth, b"b", b"=_%d?x" % depth, b"b b%d" % depth))
    written = b"boundary=" + (boundary if boundary.isalnum() else b'"%b"' % boundary)
    written = rng.choice((written,) * 9 + (b"",))
    parts = [_entity(rng, depth + 1) for _ in range(rng.choice((0, 1, 1, 2, 2, 3)))]
    body = rng.choice((b"", b"preamble\r\n", b"\r\n"))
    body += b"".join(b"--%b%b\r\n%b\r\n" % (boundary, rng.choice((b"", b"", b" ", b"\t")), part) for part in parts)
    body += rng.choice((b"--%b--\r\n" % boundary,) * 6 + (b"", b"--%b" % boundary, b"--%b--" % boundary))
    body += rng.choice((b"", b"", b"epilogue\r\n", b"\r\n"))
    return [b"Content-Type: multipart/" + kind + b"; " + written], body


def damaged(number: int) -> bytes:
    """A generated message in which some lines are lost, doubled, moved, cut or changed, as happens on the way."""
    rng = random.Random(f"damaged {number}")
    lines = generated(GENERATED + number).split(b"\r\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        change = rng.randrange(6)
        if change == 0 and len(lines) > 1:
            del lines[at]
        elif change == 1:
            lines.insert(at, lines[at])
        elif change == 2:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif change == 3:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif change == 4:
            lines[at] = lines[at].swapcase()
        else:
            lines[at] = rng.choice((b" ", b"\t", b"--", b"", b":", b"Content-Type:")) + lines[at]
    return b"\r\n".join(lines)
