"""Which names are public suffixes, under which anybody may register, by the list of publicsuffix.org.

The list is read at the first question, 40 ms. A top-level name that it does not know is a suffix.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from app.wire.domain import Domain

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=4096)
def organisation(domain: Domain) -> Domain:
    """The name directly below the public suffix (RFC 7489 §3.2); the name itself when it is a suffix."""
    name = _suffixes().privatesuffix(domain.ascii)
    return Domain(name) if name else domain


def is_public_suffix(domain: Domain) -> bool:
    """Whether names below this one belong to different people."""
    return _suffixes().privatesuffix(domain.ascii) is None
