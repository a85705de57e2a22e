"""Connect to a mail server: which address first, from which of ours, and how long to wait.

`order_addresses` alternates the families between attempts, so that a server which dislikes one of ours hears the
other; only the second attempt stays with the address of the first, because greylisting wants to see the same pair
again. `connect` makes the connection and puts a protocol on it. Raises DialFailed, which is `Temporary` and says why
in few words.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

from app.errors import Temporary
from app.wire.smtp.address import IPAddress

DIAL_S = 30.0

P = TypeVar("P", bound=asyncio.Protocol)


class DialFailed(Temporary):
    """No connection came about."""


def order_addresses(
    ips: Sequence[IPAddress],
    attempts: int,
    last: IPAddress | None = None,
    shuffle: Callable[[list[IPAddress]], None] = random.shuffle,
) -> list[IPAddress]:
    """The order to try the addresses in, after `attempts` of which the latest ended at `last`; families alternate."""
    by_family = {family: [ip for ip in ips if ip.version == family] for family in (6, 4)}
    for group in by_family.values():
        shuffle(group)
    first = 6 if last is None else 10 - last.version
    pairs = zip_longest(by_family[first], by_family[10 - first])
    ordered = [ip for pair in pairs for ip in pair if ip is not None]
    if attempts == 1 and last in ordered:
        ordered.remove(last)
        ordered.insert(0, last)
    return ordered


async def connect(
    factory: Callable[[], P], ip: IPAddress, port: int, local: Sequence[IPAddress] = (), dial_s: float = DIAL_S
) -> P:
    """A connected protocol; `local` are our own addresses to come from, one per family at most."""
    loop = asyncio.get_running_loop()
    own = next((str(one) for one in local if one.version == ip.version), None)
    try:
        async with asyncio.timeout(dial_s):
            _, protocol = await loop.create_connection(
                factory, str(ip), port, local_addr=(own, 0) if own is not None else None
            )
    except TimeoutError:
        raise DialFailed(f"no connection to {ip} port {port} within {dial_s:.0f} seconds") from None
    except OSError as err:
        # The text in the error is the event loop's, which only says again where to; the number says why.
        reason = os.strerror(err.errno) if err.errno else str(err)
        raise DialFailed(f"cannot connect to {ip} port {port}: {reason}") from None
    return protocol
