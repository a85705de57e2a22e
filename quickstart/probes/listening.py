"""Who listens on a TCP port of this machine, from /proc.

The sockets stand in /proc/net/tcp and tcp6; which program has one is seen in /proc/PID/fd, for other users' programs
only as root. Without that right the usual programs for the port are looked for among the running ones and named as a
guess.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.wire.smtp.address import IPAddress

PROC = Path("/proc")
_LISTEN = "0A"
_WEB = ("nginx", "apache2", "httpd", "caddy", "traefik", "haproxy", "lighttpd", "docker-proxy")
_SUBMISSION = ("master", "exim4", "exim", "sendmail-mta", "smtpd", "docker-proxy")
_IMAP = ("dovecot", "imap-login", "cyrmaster", "docker-proxy")
_USUAL: Mapping[int, tuple[str, ...]] = {
    **dict.fromkeys((25, 465, 587), _SUBMISSION),
    **dict.fromkeys((80, 443), _WEB),
    993: _IMAP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A listening socket and its program, as the kernel calls it; "" when that cannot be seen."""

    address: IPAddress
    program: str = ""
    is_guess: bool = False


def listeners(port: int, proc: Path = PROC) -> tuple[Listening, ...]:
    """Every socket that listens on a port."""
    sockets = {inode: ip for name in ("tcp", "tcp6") for inode, ip in _sockets(proc / "net" / name, port)}
    if not sockets:
        return ()
    owners = _owners(set(sockets), proc)
    guess = "" if len(owners) == len(sockets) else _guess(port, proc)
    return tuple(
        Listening(address=ip, program=owners.get(inode, guess), is_guess=inode not in owners and bool(guess))
        for inode, ip in sockets.items()
    )


def _sockets(path: Path, port: int) -> Iterator[tuple[str, IPAddress]]:
    """Inode and address of the sockets that listen on `port`."""
    try:
        lines = path.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) > 9 and words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
            yield words[9], parse_address(words[1].rpartition(":")[0])


def parse_address(text: str) -> IPAddress:
    """An address as /proc has it: words of 32 bits in the byte order of the machine, in hexadecimal digits."""
    words = [int(text[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8)]
    ip = ipaddress.ip_address(b"".join(words))
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _processes(proc: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (entry for entry in proc.iterdir() if entry.name.isdigit())


def _owners(inodes: set[str], proc: Path) -> dict[str, str]:
    """Programs by the inodes of their sockets, as far as we may see."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, str] = {}
    for process in _processes(proc):
        with contextlib.suppress(OSError):  # another user's, or it ended just now
            for entry in os.scandir(process / "fd"):
                if (inode := wanted.get(os.readlink(entry.path))) is not None:
                    found.setdefault(inode, _program(process))
        if len(found) == len(inodes):
            break
    return found


def _guess(port: int, proc: Path) -> str:
    """A program that usually holds this port and runs now."""
    running = {_program(process) for process in _processes(proc)}
    return next((name for name in _USUAL.get(port, ()) if name in running), "")


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""
