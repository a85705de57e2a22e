"""xtext, the encoding of free text in MAIL and RCPT parameters (RFC 3461 §4), and the DSN address types around it.

`+` and two upper-case hexadecimal digits stand for a byte; everything else is printable ASCII without `+` and `=`.
An original recipient is `addr-type ";" xtext`; with the type `utf-8` its text may hold `\\x{HEX}` characters
(RFC 6533 §3), which are left as they came.
"""

from __future__ import annotations

import re

from app.errors import SmtpSyntaxError

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_ENCODED = re.compile(r"\+([0-9A-F]{2})")
_UNSAFE = re.compile(r"[^!-*,-<>-~]")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]{1,64}")


def decode_xtext(text: str) -> str:
    """What `text` stands for; raises SmtpSyntaxError. Bytes that are no UTF-8 and control characters are refused."""
    if not _XTEXT.fullmatch(text):
        raise SmtpSyntaxError("bad xtext")
    if "+" not in text:
        return text
    raw = _ENCODED.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SmtpSyntaxError("xtext is not UTF-8") from None
    if not decoded.isprintable():
        raise SmtpSyntaxError("control character in xtext")
    return decoded


def encode_xtext(text: str) -> str:
    """`text` as xtext."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return _UNSAFE.sub(lambda match: f"+{ord(match[0]):02X}", text)


def encode_original_recipient(address_type: str, address: str) -> str:
    """The value of ORCPT; with the type `utf-8` what is not ASCII is spelled out, as `\\x{HEX}`."""
    if address_type != "utf-8":
        return f"{address_type};{encode_xtext(address)}"
    return "utf-8;" + _UNSAFE.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", address)


def split_original_recipient(text: str) -> tuple[str, str]:
    """Address type in lower case and decoded address of an ORCPT value (RFC 3461 §4.2)."""
    address_type, separator, value = text.partition(";")
    if not separator or not value or not _ADDRESS_TYPE.fullmatch(address_type):
        raise SmtpSyntaxError("bad original recipient")
    if address_type.lower() == "utf-8" and not value.isascii():
        return "utf-8", value
    return address_type.lower(), decode_xtext(value)
