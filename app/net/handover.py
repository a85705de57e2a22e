"""Listening sockets that another process has opened: systemd, or this program before it started itself again.

They are passed by descriptor, from 3 on, as sd_listen_fds(3) has it: LISTEN_FDS says how many, LISTEN_PID for whom.
`inherited` takes them, once; `pass_on` readies sockets for the program that this process is about to become.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

FIRST: Final = 3
MOST: Final = 1000

Place = tuple[str, int]  # an address, as mox.conf has it, and a port


def inherited(environment: MutableMapping[str, str]) -> dict[Place, socket.socket]:
    """The listening TCP sockets meant for this process, by place; sockets of other kinds are closed."""
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return {}
    found: dict[Place, socket.socket] = {}
    for descriptor in range(FIRST, FIRST + min(int(count), MOST)):
        sock = _listening(descriptor)
        if sock is not None and (place := _place(sock)) not in found:
            found[place] = sock
    return found


def _listening(descriptor: int) -> socket.socket | None:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:  # no socket, or nothing
        return None
    is_ip = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
    if not is_ip or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.close()
        return None
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def _place(sock: socket.socket) -> Place:
    address, port = sock.getsockname()[:2]
    return str(ipaddress.ip_address(address)), port


def pass_on(sockets: Sequence[socket.socket]) -> Mapping[str, str]:
    """Put the sockets where the next program looks for them; the variables that tell it. Nothing may run but `exec`."""
    above = FIRST + len(sockets)  # out of the way while the first ones are being replaced
    parked = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, above) for sock in sockets]
    for number, descriptor in enumerate(parked):
        os.dup2(descriptor, FIRST + number, inheritable=True)
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(parked))}
