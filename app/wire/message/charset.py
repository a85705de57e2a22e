"""Bytes in a named character set to text, never failing.

Mail names character sets loosely: a label stands for the larger set that is used under it (the WHATWG Encoding Standard
has the same list), an unknown or wrong label falls back to UTF-8 when the bytes are that and to Windows-1252 otherwise.
"""

from __future__ import annotations

# What senders mean by these labels; Python's own table has the other aliases.
_LARGER = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
}
# Text codecs of Python that are no character sets; idna is also quadratic in its input.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})


def decode_charset(data: bytes, charset: str) -> str:
    """The text; bytes that mean nothing in the set become U+FFFD."""
    name = charset.strip(" \t\"'").lower()
    name = _LARGER.get(name, name)
    if name in ("", "utf-8", "utf8", "us-ascii", "ascii") or name.replace("-", "_") in _NOT_CHARSETS:
        return _guess(data)
    try:
        return data.decode(name, "replace")
    except (LookupError, UnicodeError, ValueError):
        return _guess(data)


def _guess(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    # A text that was cut, or has one bad byte among many good characters, is still UTF-8.
    bad = text.count("\ufffd")
    odd = len(text) - len(text.encode("ascii", "ignore"))
    return text if bad * 4 <= odd else data.decode("cp1252", "replace")
