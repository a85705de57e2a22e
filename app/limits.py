"""Limits per peer, counted for its address and for two networks around it: IPv4 /32, /26, /21 and IPv6 /64, /48, /32.

A network may do more than one address, so a neighbour is not shut out at once, and an attacker with many addresses is.
Rates are counted in fixed windows that start over when they end. Memory is bounded: with more than `max_entries`
networks in a window the oldest are forgotten. The numbers are those of the reference, section 15.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.clock import SYSTEM, Clock

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
PerClass: TypeAlias = tuple[int, int, int]

# How many low bits of the address do not count, per class.
_SHIFTS_V4 = (0, 6, 11)
_SHIFTS_V6 = (64, 80, 96)

CONCURRENT_CONNECTIONS: PerClass = (30, 90, 270)


@dataclass(frozen=True, slots=True)
class Window:
    """So many events in so many seconds, for each class."""

    seconds: int
    per_class: PerClass


MESSAGES_PER_COMMAND = 1_000_000  # of IMAP; a client that does not do the extreme never meets it

CONNECTIONS = (Window(60, (300, 900, 2700)),)
UNLIMITED: PerClass = (1 << 31, 1 << 31, 1 << 31)
FAILED_SIGN_INS = (Window(60, (10, 30, 90)), Window(24 * 3600, (50, 150, 450)))
MESSAGES_IN = (Window(60, (500, 1500, 4500)), Window(24 * 3600, (10_000, 30_000, 90_000)))
MEGABYTES_IN = (Window(60, (1000, 3000, 9000)), Window(24 * 3600, (3000, 9000, 27_000)))


def networks(address: IpAddress) -> Iterator[tuple[int, int]]:
    """The keys of the three networks of an address, smallest first: (prefix bits, class and family)."""
    number = int(address)
    is_v6 = address.version == 6
    for index, shift in enumerate(_SHIFTS_V6 if is_v6 else _SHIFTS_V4):
        yield number >> shift, index + 3 * is_v6


class _Counts:
    """The counts of one window."""

    __slots__ = ("counts", "number", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self.number = -1
        self.counts: dict[tuple[int, int], int] = {}

    def turn(self, now: float) -> None:
        number = int(now // self.window.seconds)
        if number != self.number:
            self.number = number
            self.counts.clear()

    def has_room(self, keys: Sequence[tuple[int, int]], count: int) -> bool:
        get, limits = self.counts.get, self.window.per_class
        return all(get(key, 0) + count <= limit for key, limit in zip(keys, limits, strict=True))

    def add(self, keys: Sequence[tuple[int, int]], count: int, max_entries: int) -> None:
        for key in keys:
            self.counts[key] = self.counts.get(key, 0) + count
        while len(self.counts) > max_entries:
            del self.counts[next(iter(self.counts))]


class RateLimit:
    """Counts events of peers in one or more windows; all must have room."""

    def __init__(self, windows: tuple[Window, ...], clock: Clock = SYSTEM, max_entries: int = 100_000) -> None:
        self._counts = [_Counts(window) for window in windows]
        self._clock = clock
        self._max_entries = max_entries

    def allows(self, address: IpAddress, count: int = 1) -> bool:
        """Whether `count` more events would be within the limits; counts nothing."""
        return self._has_room(tuple(networks(address)), count)

    def add(self, address: IpAddress, count: int = 1) -> bool:
        """Count `count` events; False, and nothing counted, when that would pass a limit."""
        keys = tuple(networks(address))
        if not self._has_room(keys, count):
            return False
        for counts in self._counts:
            counts.add(keys, count, self._max_entries)
        return True

    def _has_room(self, keys: Sequence[tuple[int, int]], count: int) -> bool:
        now = self._clock.now()
        for counts in self._counts:
            counts.turn(now)
        return all(counts.has_room(keys, count) for counts in self._counts)


class ConcurrencyLimit:
    """Counts what peers hold at the same time, such as connections."""

    def __init__(self, per_class: PerClass = CONCURRENT_CONNECTIONS) -> None:
        self._limits = per_class
        self._counts: dict[tuple[int, int], int] = {}

    def add(self, address: IpAddress) -> bool:
        """Count one more; False, and nothing counted, when that would pass a limit."""
        keys = tuple(networks(address))
        if any(self._counts.get(key, 0) >= limit for key, limit in zip(keys, self._limits, strict=True)):
            return False
        for key in keys:
            self._counts[key] = self._counts.get(key, 0) + 1
        return True

    def remove(self, address: IpAddress) -> None:
        """Count one less, after an `add` that said True."""
        for key in networks(address):
            left = self._counts.get(key, 0) - 1
            if left > 0:
                self._counts[key] = left
            else:
                self._counts.pop(key, None)
