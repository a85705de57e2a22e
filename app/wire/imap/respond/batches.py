"""UIDBATCHES responses (RFC 10022 §3.1.3).

uidbatches-resp = "UIDBATCHES" SP "(TAG" SP string ")" [SP range *("," range)]      range = uniqueid ":" uniqueid
"""

from __future__ import annotations

from collections.abc import Iterable


def uidbatches_response(tag: str, spans: Iterable[range]) -> bytes:
    """The ranges of uids, newest first, each with its higher end in front; there may be none."""
    text = ",".join([f"{span[-1]}:{span.start}" for span in spans])
    return f'* UIDBATCHES (TAG "{tag}"){" " if text else ""}{text}\r\n'.encode("ascii")
