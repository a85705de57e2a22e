"""SRS, the sender rewriting scheme: return addresses of ours for mail that is forwarded.

The next server checks by SPF whether we may send for the domain of the reverse-path. For a stranger's we may not, so it
becomes one of ours that leads back, with a signature so that nobody else can make any:

    alice@a.example    is forwarded by  b.example as  SRS0=HHHHHHHH=TT=a.example=alice@b.example
    SRS0=...@b.example is forwarded by  c.example as  SRS1=HHHHHHHH=b.example==...@c.example

A second forwarder so leads to the first, which then finds the author. HHHHHHHH is a part of an HMAC in base32, TT the
day modulo 1024. Letters may come back in another case. There is no RFC; the names and form are those of the scheme's
own description, which other servers read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from app.errors import MailError, WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address

VALID_DAYS: Final = 21  # how long mail may be on its way and still come back
DAY_S: Final = 86400

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_DAYS: Final = 1024  # that two letters count
_HASH_BYTES: Final = 5
_MARK = re.compile(r"srs[01][=+-]", re.IGNORECASE)
_FIRST = re.compile(r"srs0[=+-]([a-z2-7]{8})=([a-z2-7]{2})=([^=]{1,253})=(.{1,128})", re.IGNORECASE | re.DOTALL)
_SECOND = re.compile(r"srs1[=+-]([a-z2-7]{8})=([^=]{1,253})=([=+-].{1,128})", re.IGNORECASE | re.DOTALL)
_FOREIGN_FIRST = re.compile(r"srs0([=+-].{1,128})", re.IGNORECASE | re.DOTALL)
_FOREIGN_SECOND = re.compile(r"srs1[=+-][^=]{1,64}=([^=]{1,253})=([=+-].{1,128})", re.IGNORECASE | re.DOTALL)


class CannotReturn(MailError):
    """A return address that is not ours, or no longer."""


def is_rewritten(localpart: str) -> bool:
    """Whether it looks like a return address of any server with SRS."""
    return _MARK.match(localpart) is not None


def rewrite(sender: Address, at: Domain, secret: bytes, now: float) -> Address:
    """The return address at our domain `at` for mail of this sender. Its localpart can be longer than SMTP allows."""
    day, local = _day(now), sender.localpart
    host, rest = _second(sender)
    if host:
        return Address(f"SRS1={_sign(secret, host, rest)}={host}={rest}", at)
    text = f"{sender.domain.ascii}={local}"
    return Address(f"SRS0={_sign(secret, day, text)}={day}={text}", at)


def _second(sender: Address) -> tuple[str, str]:
    """The first forwarder, and what it needs to find the author; "" when nobody has rewritten the address before."""
    if again := _FOREIGN_SECOND.fullmatch(sender.localpart):
        return again[1], again[2]
    if first := _FOREIGN_FIRST.fullmatch(sender.localpart):
        return sender.domain.ascii, first[1]
    return "", ""


def read(localpart: str, secret: bytes, now: float) -> Address:
    """Who mail to a return address is for; raises CannotReturn."""
    if first := _FIRST.fullmatch(localpart):
        signature, day, host, local = first.groups()
        _check(signature, _sign(secret, day, f"{host}={local}"))
        if (_number(_day(now)) - _number(day)) % _DAYS > VALID_DAYS:
            raise CannotReturn("the message was forwarded too long ago")
        return _address(local, host)
    if second := _SECOND.fullmatch(localpart):
        signature, host, rest = second.groups()
        _check(signature, _sign(secret, host, rest))
        return _address(f"SRS0{rest}", host)
    raise CannotReturn("this is no return address of ours")


def _check(signature: str, expected: str) -> None:
    if not hmac.compare_digest(signature.lower(), expected):
        raise CannotReturn("this is no return address of ours")


def _address(localpart: str, host: str) -> Address:
    try:
        return Address(localpart, parse_domain(host))
    except WireError as error:
        raise CannotReturn(error.message) from None


def _sign(secret: bytes, *parts: str) -> str:
    """The signature over the parts in any case."""
    text = "\0".join(parts).lower().encode()
    digest = hmac.new(secret, text, hashlib.sha256).digest()
    return base64.b32encode(digest[:_HASH_BYTES]).decode().lower()


def _day(now: float) -> str:
    high, low = divmod(int(now // DAY_S) % _DAYS, 32)
    return _ALPHABET[high] + _ALPHABET[low]


def _number(day: str) -> int:
    return _ALPHABET.index(day[0].lower()) * 32 + _ALPHABET.index(day[1].lower())
