"""How much one network may do: connections, failed sign-ins, and messages into each account.

Limits count for an address and the two networks around it (`app.limits`). What passes a limit is refused for the time
being; nothing that was accepted is lost.
"""

from __future__ import annotations

from app.clock import SYSTEM, Clock
from app.limits import (
    CONNECTIONS,
    MEGABYTES_IN,
    MESSAGES_IN,
    UNLIMITED,
    ConcurrencyLimit,
    IpAddress,
    RateLimit,
    Window,
)

MAX_NETWORKS = 10_000  # remembered for each account

_KILOBYTES_IN = tuple(
    Window(window.seconds, (window.per_class[0] * 1000, window.per_class[1] * 1000, window.per_class[2] * 1000))
    for window in MEGABYTES_IN
)


class Rates:
    """The counts of this process, shared by all listeners."""

    def __init__(self, clock: Clock = SYSTEM, *, is_limited: bool = True) -> None:
        """Without limits for localserve: there one machine tests its own software, as fast as it can."""
        self.connections = RateLimit(CONNECTIONS if is_limited else (), clock)
        self.concurrent = ConcurrencyLimit() if is_limited else ConcurrencyLimit(UNLIMITED)
        self._is_limited = is_limited
        self._clock = clock
        self._accounts: dict[str, tuple[RateLimit, RateLimit]] = {}

    def allow_message(self, account_name: str, remote: IpAddress, size_bytes: int) -> bool:
        """Count a message into an account; False, and the message to be refused, when there were too many."""
        if not self._is_limited:
            return True
        limits = self._accounts.get(account_name)
        if limits is None:
            limits = (
                RateLimit(MESSAGES_IN, self._clock, MAX_NETWORKS),
                RateLimit(_KILOBYTES_IN, self._clock, MAX_NETWORKS),
            )
            self._accounts[account_name] = limits
        messages, kilobytes = limits
        size = max(1, size_bytes // 1000)
        return kilobytes.allows(remote, size) and messages.add(remote) and kilobytes.add(remote, size)
