"""Tokens with which a refused sender passes: `(pass:TOKEN)` anywhere in the subject of the next attempt.

A token is made for one author and one recipient and is good for a while. It is 16 bytes in base64url: a version and the
hour of issue in 4 bytes, and 12 bytes of HMAC-SHA256 over these, the author's and the recipient's address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

_VERSION: Final = 1
_MAC_BYTES: Final = 12
_HOUR_S: Final = 3600
_TOKEN: Final = re.compile(r"\(pass:([A-Za-z0-9_-]{22})\)")
MAX_TRIED: Final = 5  # tokens in one subject


@dataclass(frozen=True, slots=True)
class Pair:
    """Who writes to whom, as they stand in the From field and in the configuration, in lower case."""

    author: str
    recipient: str


def give(key: bytes, pair: Pair, now: float) -> str:
    """The text for the subject."""
    stamp = bytes((_VERSION,)) + int(now // _HOUR_S).to_bytes(3, "big")
    raw = stamp + _mac(key, pair, stamp)
    return f"(pass:{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """When tokens count: the time now, and how long they are good."""

    now: float
    period_s: float

    def holds(self, issued: float) -> bool:
        """Whether a token of the hour that began at `issued` counts."""
        return issued <= self.now < issued + _HOUR_S + self.period_s


def without_tokens(text: str) -> str:
    """The text for a log, in which a token does not belong."""
    return _TOKEN.sub("(pass:...)", text)


def has_pass(subject: str, key: bytes, pair: Pair, validity: Validity) -> bool:
    """Whether the subject has a good token for the pair."""
    return any(_is_good(token, key, pair, validity) for token in _TOKEN.findall(subject)[:MAX_TRIED])


def _is_good(token: str, key: bytes, pair: Pair, validity: Validity) -> bool:
    raw = base64.urlsafe_b64decode(token + "==")
    stamp = raw[:4]
    is_fresh = stamp[0] == _VERSION and validity.holds(int.from_bytes(stamp[1:], "big") * _HOUR_S)
    return hmac.compare_digest(raw[4:], _mac(key, pair, stamp)) and is_fresh


def _mac(key: bytes, pair: Pair, stamp: bytes) -> bytes:
    text = f"{pair.author}\0{pair.recipient}".encode("utf-8", "surrogatepass")
    return hmac.new(key, stamp + text, hashlib.sha256).digest()[:_MAC_BYTES]
