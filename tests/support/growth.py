"""Whether work grows no faster than what it is given. No second is compared, so that no slow machine fails a test.

assert_linear(lambda size: parse(b"(" * size), 10_000)
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

FACTOR = 8
STEEP = 3 * FACTOR  # linear work is near FACTOR, or below where it is bounded; quadratic is near its square, 64
TRIES = 5


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Fail when `work(FACTOR * size)` takes far more than FACTOR times the CPU of `work(size)`, each time it is tried.

    Choose a size for which `work` takes a millisecond or more, and of which FACTOR times is as hostile as can be sent.
    """
    growths = []
    for _ in range(TRIES):
        small = min(_cpu(work, size) for _ in range(3))
        growths.append(_cpu(work, FACTOR * size) / small)
        if growths[-1] < STEEP:
            return
    raise AssertionError(f"{FACTOR} times the input took {growths} times the work")


def _cpu(work: Callable[[int], object], size: int) -> float:
    """Seconds of this thread, none of them spent on walking through what all tests before left in memory."""
    gc.collect()
    gc.disable()
    try:
        started = time.thread_time()
        work(size)
        return time.thread_time() - started
    finally:
        gc.enable()
