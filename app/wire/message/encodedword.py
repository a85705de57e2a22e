"""Text in header fields: encoded words (RFC 2047) and extended parameter values (RFC 2231 §4).

Decoding never fails: what is not a good encoded word stays as it is. Words of one character set that stand side by
side are joined as bytes before they are decoded, as some senders cut them in the middle of a character. Encoding
writes UTF-8 only and keeps each word within 75 characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes

from app.wire.message.charset import decode_charset

Encoder = Callable[[bytes], str]

MAX_WORD = 75  # RFC 2047 §2
MAX_PLAIN_WORD = 500  # a longer one could not be folded into lines of 998 bytes
_WORD_PREFIX = "=?utf-8?q?"
_BASE64_PREFIX = "=?utf-8?b?"

_WORD = re.compile(r"=\?([!-><-~]{1,64}?)\?([bBqQ])\?([^?\n]*+)\?=")
_BETWEEN = re.compile(r"[ \t\r\n]++")
_Q_ESCAPE = re.compile(r"=([0-9A-Fa-f]{2})")
_Q_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")  # RFC 2047 §5 (3)


def decode_words(value: str) -> str:
    """The text of an unfolded value, encoded words decoded."""
    if "=?" not in value:
        return to_text(value)
    pieces: list[str] = []
    pending = b""
    charset = ""
    end = 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        end = match.end()
        label = match[1].partition("*")[0].lower()  # RFC 2231 §5 adds a language
        adjacent = bool(charset) and (not between or _BETWEEN.fullmatch(between))
        if not adjacent or label != charset:
            if charset:
                pieces.append(decode_charset(pending, charset))
            if not adjacent:
                pieces.append(to_text(between))
            pending, charset = b"", label
        pending += _decode_word(match[2], match[3])
    if charset:
        pieces.append(decode_charset(pending, charset))
    pieces.append(to_text(value[end:]))
    return "".join(pieces)


def _decode_word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" "), header=False)
    return decode_base64(raw)


def decode_base64(data: bytes) -> bytes:
    """As much as can be decoded: other characters are skipped, missing padding is added, padding does not end it."""
    if b"=" in data.rstrip(b"=\r\n \t"):
        return b"".join(map(_decode_broken_base64, data.split(b"=")))
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        return _decode_broken_base64(data)


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def _decode_broken_base64(data: bytes) -> bytes:
    letters = data.translate(None, _NOT_BASE64)
    whole = len(letters) - (len(letters) % 4 == 1)  # one letter alone holds six bits and no byte
    return binascii.a2b_base64(letters[:whole] + b"=" * (-whole % 4))


def to_text(value: str) -> str:
    """The value with its surrogate escapes (bytes that are not UTF-8) read as Windows-1252."""
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass" if not _escaped(value) else "surrogateescape").decode(
            "cp1252", "replace"
        )
    return value


def _escaped(value: str) -> bool:
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def decode_extended(value: str) -> str:
    """The text of `charset'language'percent-encoded`; a value without the two quotes is percent-encoded UTF-8."""
    charset, mark, rest = value.partition("'")
    _, second, encoded = rest.partition("'")
    if not mark or not second:
        charset, encoded = "", value
    return decode_charset(unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")), charset)


def encode_words(text: str) -> str:
    """Text for an unstructured field: as it is when it is ASCII, as encoded words with spaces between otherwise."""
    if text.isascii() and text.isprintable() and "=?" not in text and max(map(len, text.split(" "))) <= MAX_PLAIN_WORD:
        return text
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    raw = text.encode("utf-8", "replace")
    plain = sum(byte in _Q_SAFE or byte == 0x20 for byte in raw)
    if plain * 3 >= len(raw) * 2:
        return _split(text, _WORD_PREFIX, _q_encode)
    return _split(text, _BASE64_PREFIX, lambda part: base64.b64encode(part).decode("ascii"))


def _q_encode(part: bytes) -> str:
    return "".join(chr(byte) if byte in _Q_SAFE else "_" if byte == 0x20 else f"={byte:02X}" for byte in part)


def _split(text: str, prefix: str, encode: Encoder) -> list[str]:
    room = MAX_WORD - len(prefix) - 2
    words: list[str] = []
    part = b""
    for char in text:
        more = part + char.encode("utf-8", "replace")
        if len(encode(more)) > room:
            words.append(prefix + encode(part) + "?=")
            more = char.encode("utf-8", "replace")
        part = more
    words.append(prefix + encode(part) + "?=")
    return words


def encode_extended(text: str) -> str:
    """`utf-8''percent-encoded`, for a parameter named with an asterisk."""
    return "utf-8''" + quote(text.encode("utf-8", "replace"), safe="")
