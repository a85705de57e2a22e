"""Hypothesis strategies for messages: arbitrary bytes, and lines that look like MIME and are broken in every way."""

from __future__ import annotations

from hypothesis import strategies as st

_LINES = st.sampled_from(
    [
        b"",
        b"--a",
        b"--a--",
        b"--ab",
        b"--ab--",
        b"--",
        b"-- ",
        b"Content-Type: multipart/mixed; boundary=a",
        b'content-type: Multipart/Alternative; boundary="ab"',
        b"Content-Type: multipart/digest;\r\n boundary=a",
        b"Content-Type: multipart/mixed",
        b'Content-Type: multipart/mixed; boundary=""',
        b'Content-Type: multipart/mixed; boundary="a',
        b"Content-Type: message/rfc822",
        b"Content-Type: message/global",
        b"Content-Type: text/html; charset*0*=utf-8''x; charset*1=y; name=\"\xff\"",
        b"Content-Type: image/png; name=\xe2\x82\xac",
        b"Content-Type: nonsense",
        b"Content-Transfer-Encoding: BASE64 (really)",
        b"Content-Disposition: attachment; filename*=utf-8''%E2%82%AC",
        b"Content-Language: de, en",
        b"Content-ID: <a@b>",
        b"Content-Description: \x00\xff\x80 text",
        b'From: =?utf-8?q?a?= <a@b>, group: x@y, "z" <z@z>;, (c) "unterminated',
        b"To: \xff\xfe <>, @, <@a,@b:c@d>",
        b"Subject: one",
        b" folded",
        b"text",
        b"\x00\r\x80",
    ]
)
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""])

mime_like = st.lists(st.tuples(_LINES, _ENDS), max_size=40).map(lambda lines: b"".join(a + b for a, b in lines))
messages = st.one_of(st.binary(max_size=400), mime_like)
