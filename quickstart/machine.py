"""The machine and the network around it, but for DNS, as the checks ask for them.

`Machine` is the interface; `RealMachine` answers for real, tests answer with a fake. Nothing here judges: it tells what
is. Nothing raises for what a machine can be like: what cannot be found out is None, empty or a reason in words. What
waits (dialling, time servers, registration data) is asynchronous and ends within the time given.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import shutil
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from app.wire.smtp.address import IPAddress
from quickstart.probes import interfaces, kernel, listening, sntp
from quickstart.probes.listening import Listening
from quickstart.probes.registration import Registration, RegistrationClient
from quickstart.probes.waiting import in_thread

BANNER_BYTES = 1024
HOSTS_FILE_BYTES = 1 << 20


MAIL_PORT = 25


class Binding(Enum):
    """Whether a port can be had."""

    FREE = "free"
    TAKEN = "taken"
    FORBIDDEN = "forbidden"  # needs root; it may still be free
    NO_ADDRESS = "no address"  # the machine does not have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What came of a connection: the first line that the other side sent, or why there is none."""

    banner: str = ""
    reason: str = ""


class Machine(Protocol):
    """Everything that a check may ask but DNS."""

    def interfaces(self) -> Sequence[IPAddress]:
        """The lasting addresses of all interfaces."""

    def routes(self) -> Sequence[IPAddress]:
        """The addresses from which this machine goes out into the world, one of a family at most."""

    def hostname(self) -> str:
        """What the system calls itself."""

    def addresses_in_hosts(self, name: str) -> Sequence[IPAddress]:
        """What /etc/hosts says of a name."""

    async def listeners(self, port: int) -> Sequence[Listening]:
        """Who listens on a TCP port, and where."""

    def can_bind(self, address: IPAddress, port: int) -> Binding:
        """Whether we could listen there now."""

    async def dial(self, ip: IPAddress, port: int, timeout_s: float) -> Dialled:
        """Connect and read the first line."""

    async def clock_offset(self, server: IPAddress, timeout_s: float) -> float | None:
        """Seconds by which a time server is ahead of our clock."""

    def is_clock_synchronised(self) -> bool | None:
        """Whether the kernel says that something keeps its clock right."""

    def free_bytes(self, directory: Path) -> int | None:
        """Room on the disk where a directory is, or would be."""

    def memory_bytes(self) -> int | None:
        """Memory that this system or container may use."""

    async def registration(self, domain: str, timeout_s: float) -> Registration:
        """When a domain was registered."""

    def is_container(self) -> bool:
        """Whether this is the inside of a container."""

    def is_root(self) -> bool:
        """Whether we may bind low ports and write system files."""

    def closed_to_others(self, path: Path) -> Path | None:
        """The first directory on the way to a path, itself included, that other users may not enter."""

    def interpreter(self) -> Path:
        """Where this Python's own modules are."""


def needs_root(machine: Machine) -> bool:
    """Whether the port of mail cannot be had as it is: not root, and nothing else lets us."""
    return not machine.is_root() and machine.can_bind(ipaddress.IPv4Address(0), MAIL_PORT) is Binding.FORBIDDEN


class RealMachine:
    """The machine that this runs on."""

    def __init__(self, registrations: RegistrationClient | None = None) -> None:
        self._registrations = registrations or RegistrationClient()

    def interfaces(self) -> Sequence[IPAddress]:
        """From the kernel; the routes' where it cannot be asked."""
        return interfaces.addresses() or self.routes()

    def routes(self) -> Sequence[IPAddress]:
        """Found without sending anything."""
        return interfaces.outgoing()

    def hostname(self) -> str:
        """As the kernel has it."""
        return socket.gethostname()

    def addresses_in_hosts(self, name: str) -> Sequence[IPAddress]:
        """Lines that make no sense are passed over."""
        try:
            with open("/etc/hosts", encoding="utf-8", errors="replace") as file:
                return in_hosts(file.read(HOSTS_FILE_BYTES), name)
        except OSError:
            return ()

    async def listeners(self, port: int) -> Sequence[Listening]:
        """From /proc; empty where there is none."""
        return await in_thread(lambda: listening.listeners(port))

    def can_bind(self, address: IPAddress, port: int) -> Binding:
        """By binding and listening, for a moment."""
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((str(address), port))
                sock.listen(1)
        except OSError as error:
            return _BINDING_OF.get(error.errno or 0, Binding.NO_ADDRESS)
        return Binding.FREE

    async def dial(self, ip: IPAddress, port: int, timeout_s: float) -> Dialled:
        """A banner in time is read to the end of its first line."""
        return await dial(ip, port, timeout_s)

    async def clock_offset(self, server: IPAddress, timeout_s: float) -> float | None:
        """By SNTP."""
        return await sntp.offset(server, timeout_s)

    def is_clock_synchronised(self) -> bool | None:
        """None where the kernel does not say."""
        return kernel.is_clock_synchronised()

    def free_bytes(self, directory: Path) -> int | None:
        """Of the nearest folder that exists."""
        there = next((one for one in (directory, *directory.absolute().parents) if one.exists()), directory)
        try:
            return shutil.disk_usage(there).free
        except OSError:
            return None

    def memory_bytes(self) -> int | None:
        """The limit of the container when that is less."""
        return kernel.memory_bytes()

    async def registration(self, domain: str, timeout_s: float) -> Registration:
        """By RDAP, in a thread that nobody waits for longer than said."""
        try:
            async with asyncio.timeout(timeout_s):
                return await in_thread(lambda: self._registrations.look_up(domain, timeout_s))
        except TimeoutError:
            return Registration(reason="the registry did not answer in time")

    def is_container(self) -> bool:
        """By the marks that the usual engines leave."""
        return kernel.is_container()

    def is_root(self) -> bool:
        """The effective user."""
        return os.geteuid() == 0

    def closed_to_others(self, path: Path) -> Path | None:
        """By the mode of each directory."""
        for place in (*reversed(path.parents), path):
            with contextlib.suppress(OSError):
                if not place.stat().st_mode & stat.S_IXOTH:
                    return place
        return None

    def interpreter(self) -> Path:
        """Where `os` is, after links."""
        return Path(os.__file__).resolve().parent


_BINDING_OF = {
    errno.EADDRINUSE: Binding.TAKEN,
    errno.EACCES: Binding.FORBIDDEN,
    errno.EPERM: Binding.FORBIDDEN,
    errno.EADDRNOTAVAIL: Binding.NO_ADDRESS,
    errno.EAFNOSUPPORT: Binding.NO_ADDRESS,
}


def in_hosts(text: str, name: str) -> tuple[IPAddress, ...]:
    """The addresses that a hosts file gives a name."""
    found: list[IPAddress] = []
    for line in text.splitlines():
        words = line.partition("#")[0].lower().split()
        if name.lower() in words[1:]:
            with contextlib.suppress(ValueError):
                found.append(ipaddress.ip_address(words[0]))
    return tuple(dict.fromkeys(found))


async def dial(ip: IPAddress, port: int, timeout_s: float) -> Dialled:
    """Connect, read one line of bounded length, and take leave."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(str(ip), port, limit=BANNER_BYTES)
            try:
                line = await reader.readuntil(b"\n")
                writer.write(b"QUIT\r\n")
            finally:
                writer.close()
    except TimeoutError:
        return Dialled(reason=f"no answer within {timeout_s:.0f} seconds")
    except asyncio.LimitOverrunError:
        return Dialled(reason="what answers does not speak SMTP")
    except asyncio.IncompleteReadError:
        return Dialled(reason="the connection was closed without a greeting")
    except OSError as error:
        return Dialled(reason=os.strerror(error.errno) if error.errno else str(error))
    return Dialled(banner=line.decode("utf-8", "replace").strip())
