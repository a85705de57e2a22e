"""Inputs out of other inputs: bytes changed, pieces left out, said twice, moved, cut, and words that mean something."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MAX_INPUT = 1 << 16

WORDS = (
    b"\r\n", b"\n", b"\r", b"\0", b"\x1a", b"\xff", b"\xc3\xa9", b"\xf0\x9f\x98\x80", b" ", b"\t", b"\r\n ", b"\r\n\t",
    b"(", b")", b"<", b">", b"[", b"]", b"{", b"}", b'"', b"\\", b",", b";", b":", b"@", b"=", b"%", b"*", b"~", b"+",
    b"--", b"?=", b"=?utf-8?q?", b"=?utf-8?b?", b"=?iso-2022-jp?b?GyRC?=", b"=00", b"=\r\n", b"{5}\r\n", b"{5+}\r\n",
    b"~{1}\r\n", b"NIL", b"INBOX", b"1:*", b"*:1", b"4294967296", b"18446744073709551616", b"-1", b"0", b"1e9",
    b"From: ", b"From : ", b"To: ", b"Subject: ", b"DKIM-Signature: ", b"ARC-Seal: i=1; ", b"Received: ", b"Date: ",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", b"Content-Type: message/rfc822\r\n\r\n", b"--b--\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/html; charset=utf-7\r\n", b"charset=x-unknown",
    b"Authentication-Results: ", b"v=spf1 ", b"include:", b"redirect=", b"exists:%{ir}.", b"%{d10r+-}",
    b"ip4:", b"ip6:::/0",
    b"v=DKIM1; ", b"v=DMARC1; p=", b"p=", b"bh=", b"b=", b"h=", b"l=", b"x=1", b"d=", b"s=", b"a=rsa-sha256; ", b"!10m",
    b".\r\n", b"\r\n.\r\n", b"\n.\n", b"MAIL FROM:<", b"RCPT TO:<", b"BDAT 5 LAST\r\n", b"SIZE=", b"ORCPT=rfc822;",
    b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"&#x110000;", b"<style>", b"null",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
)  # fmt: skip


class Mutator:
    """Makes inputs out of a pool; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def make(self, pool: Sequence[bytes]) -> bytes:
        """An input near one of the pool."""
        data = self._random.choice(pool)
        for _ in range(self._random.choice((1, 1, 2, 3, 5, 8))):
            data = self._random.choice(_WAYS)(self._random, data, pool)
        return data[:MAX_INPUT]

    def split(self, data: bytes) -> list[bytes]:
        """The input in pieces, as a network would bring it."""
        cuts = sorted(self._random.randrange(len(data) + 1) for _ in range(self._random.randrange(4)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _span(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + int(rng.paretovariate(0.7)))


def _flip(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def _end(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _again(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 2, 10, 300)) + data[end:]


def _word(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + rng.choice(WORDS) * rng.choice((1, 1, 1, 2, 100)) + data[rng.choice((start, end)) :]


def _splice(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    other = rng.choice(pool)
    start, end = _span(rng, other)
    at = rng.randrange(len(data) + 1)
    return data[:at] + other[start : max(end, start + 20)] + data[at:]


_WAYS: tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip,
    _cut,
    _end,
    _again,
    _word,
    _word,
    _splice,
)
