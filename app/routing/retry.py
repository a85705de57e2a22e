"""When a message that could not be delivered is tried again, and when its sender is told.

The wait before attempt n+1 is 7 m 30 s doubled for each attempt before: 7.5, 15, 30 min, 1, 2, 4, 8 h, each with a
few seconds of jitter so that messages queued together do not stay together. The eighth attempt is the last, 15 h 52
min 30 s after the first. The sender is told of the delay when the fifth fails, after nearly two hours. The texts of
notifications are made from these functions, so they cannot tell another schedule than the one that is kept.
"""

from __future__ import annotations

FIRST_WAIT_S = 450.0
JITTER_S = 5.0
MAX_ATTEMPTS = 8
REPORT_ATTEMPTS = 5  # a report of ours is not worth more
DELAY_ATTEMPT = 5


def backoff(attempts: int, jitter: float = 0.0) -> float:
    """Seconds from an attempt to the next, when `attempts` were made before it; `jitter` is between -1 and 1."""
    return float((FIRST_WAIT_S + JITTER_S * jitter) * 2.0 ** min(attempts, MAX_ATTEMPTS))


def is_last(attempts: int, max_attempts: int = 0) -> bool:
    """Whether no attempt follows when `attempts` have failed."""
    return attempts >= (max_attempts or MAX_ATTEMPTS)


def is_time_to_tell(attempts: int, max_attempts: int = 0) -> bool:
    """Whether the sender hears of the delay now that `attempts` have failed."""
    return attempts == DELAY_ATTEMPT and not is_last(attempts, max_attempts)


def waits_left(attempts: int, max_attempts: int = 0) -> tuple[float, ...]:
    """The waits before each attempt still to come, when `attempts` have failed; the first is from the last attempt."""
    return tuple(backoff(number - 1) for number in range(attempts, max_attempts or MAX_ATTEMPTS) if number)
