"""Tells whoever started the server, such as systemd, how it stands (sd_notify(3)): ready, stopping, alive.

Without NOTIFY_SOCKET nothing is told. A message that does not get through is not worth an error: at worst the service
is taken for dead and started again.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


def tell(message: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send it, if there is somebody to tell."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        sock.connect(address if address[0] == "/" else "\0" + address[1:])
        sock.send(message.encode())


def reloading() -> str:
    """That the service starts anew, until it is READY; the moment in it is of CLOCK_MONOTONIC, in microseconds."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def watchdog_s(environment: Mapping[str, str] = os.environ) -> float:
    """How often to say that the server is alive, twice as often as is asked for; 0 for never."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2_000_000 if microseconds.isdigit() and len(microseconds) < 16 else 0.0
