"""When a certificate is renewed, and when a failed attempt is repeated: pure.

A certificate is renewed when a third of its life is left, or `RenewBefore` where that is less, a little earlier for
each name, so that not all names of a server come at once. An authority that says when it would like to be asked (ARI,
RFC 9773) is obeyed. After a failure the wait is 15 minutes, doubled with each further one up to a day: authorities
allow five failures an hour for a name.
"""

from __future__ import annotations

import zlib
from typing import Final

FIRST_WAIT_S: Final = 15 * 60.0
MOST_WAIT_S: Final = 24 * 3600.0
SPREAD: Final = 0.05  # of the life


def renewal_time(name: str, begins: float, ends: float, renew_before_s: float) -> float:
    """When to renew, in seconds since 1970; all times likewise."""
    life = max(0.0, ends - begins)
    left = min(life / 3, renew_before_s) if renew_before_s > 0 else life / 3
    share = zlib.crc32(name.encode()) / 2**32  # the same at each start
    return ends - left - life * SPREAD * share


def wait_after(failures: int) -> float:
    """Seconds until the next attempt after so many failures in a row, at least one."""
    return min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 20), MOST_WAIT_S)
