"""Which content coding a client wants: Accept-Encoding, and what is worth compressing. Pure.

A coding with q=0 is refused, `*` stands for those not named, and a field that cannot be read asks for nothing (RFC 9110
§12.5.3). Of those that a client likes equally well, the one that is first in `offered` is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

IDENTITY = "identity"
MIN_SIZE = 1024  # bytes; less does not get smaller by what the head of the answer grows
MAX_SIZE = 10 << 20
MAX_FIELD = 1000  # characters of Accept-Encoding that are looked at

_ITEM = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.A)
_TEXTUAL = re.compile(
    r"text/[\w.+-]+"
    r"|(?:application|image|font|model)/(?:[\w.-]+\+(?:xml|json|text)|json|javascript|xml|wasm|x-icon"
    r"|vnd\.microsoft\.icon|bmp|ttf|otf|x-font-ttf|vnd\.ms-fontobject|x-ndjson|manifest)",
    re.A,
)


def choose(field: str, offered: Sequence[str]) -> str:
    """One of the codings offered, or "identity"."""
    weights = _weights(field[:MAX_FIELD])
    best, most = IDENTITY, 0.0
    for coding in offered:
        weight = weights.get(coding, weights.get("x-" + coding, weights.get("*", 0.0)))
        if weight > most:
            best, most = coding, weight
    return best if most >= weights.get(IDENTITY, 0.0) else IDENTITY


def is_compressible(media_type: str) -> bool:
    """Whether content of this type gets smaller; parameters do not count."""
    return _TEXTUAL.fullmatch(media_type.partition(";")[0].strip().lower()) is not None


def _weights(field: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is not None:
            weights.setdefault(match[1].lower(), min(float(match[2]), 1.0) if match[2] else 1.0)
    return weights
