"""Messages of odd kinds, small, as they come from the world."""

from __future__ import annotations

import base64
from typing import Final

from app.store.spool import MEMORY_LIMIT

_HEAD: Final = (
    b"From: Some Body <some@body.example>\r\nTo: test0@mox.example\r\nDate: Mon, 23 Nov 2026 10:%02d:00 +0000\r\n"
)
_PNG: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60))
_ALTERNATIVE: Final = (
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n--b\r\nContent-Type: text/html; charset=utf8\r\n\r\n"
    b"<p>caf\xc3\xa9</p>\r\n--b--\r\n"
)

_BODIES: Final = (
    b"Subject: plain\r\nMessage-Id: <1@body.example>\r\n\r\nhello\r\n",
    b"Subject: Re: plain\r\nMessage-Id: <2@body.example>\r\nIn-Reply-To: <1@body.example>\r\n\r\nhello back\r\n",
    b"Subject: =?utf-8?q?h=C3=A9llo?=\r\nMIME-Version: 1.0\r\n" + _ALTERNATIVE,
    b"Subject: raw \xc3\xa9 and \xff\r\n\r\n8 bit: \xff\xfe\r\n",
    b"Subject: picture\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    + _ALTERNATIVE
    + b"--a\r\nContent-Type: image/png; name*=utf-8''%E2%98%BA.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + _PNG
    + b"\r\n--a--\r\n",
    b"Subject: forwarded\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n",
    b"Subject: multipart without an end\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nno end",
    b"Subject: bare line feeds\nand a broken field\n\nbody\nof it\n",
    b"Subject: no body\r\n\r\n",
    b"Subject:\r\n folded\r\n\tagain\r\nReceived: from a\r\n by b\r\n\r\n.\r\n..\r\n\x00\r\n",
)
LARGE: Final = b"Subject: large, in a file of its own\r\n\r\n" + b"0123456789abcde\r\n" * (MEMORY_LIMIT // 17 + 100)
NO_HEADER: Final = b"no header section at all"


def odd_messages() -> list[bytes]:
    """All of them; the large one is last."""
    return [*(_HEAD % number + body for number, body in enumerate(_BODIES)), NO_HEADER, LARGE]
