"""The program in set-up mode: listens, says where, serves the pages, and stays with the server that it started.

It listens on loopback, at port 8000 or the next that is free. `-listen` opens it to the network, over HTTPS with a
certificate made here, whose fingerprint is printed beside the link. The link is printed to a terminal only; otherwise
it goes to a file for its owner, and the path is printed. The files in its directory let `setup-link` make a new link
while it runs. It ends by a signal, with the server that it started, or when the set-up is over and systemd has the
server; it says so each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.errors import Refusal
from app.net.listen import ListenError, bind
from app.net.resolver import Resolver
from app.net.selfsigned import SelfSigned, make_self_signed
from app.operations.dnscheck.dialling import HostDialler
from app.web.serving import PageServer
from app.wire.smtp.address import IPAddress
from quickstart import privatefile
from quickstart.application import application
from quickstart.claim import Claims
from quickstart.draft import Started
from quickstart.gate import ENTRY, Rules
from quickstart.machine import RealMachine, needs_root
from quickstart.publishing import authoritative
from quickstart.system import Call, RealSystem
from quickstart.terminal import Terminal, open_browser, root_command, this_terminal
from quickstart.wizard import SETUP_DIRECTORY, Wizard, World

FIRST_PORT, PORTS = 8000, 100
RUNNING_FILE, LOCK_FILE, LINK_FILE, CERTIFICATE_FILE = "running.json", "lock", "link", "tls.pem"
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
_PLACE = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")
LAST_PAGE_S = 2.0  # for the last page and what belongs to it


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen."""

    address: IPAddress = LOOPBACK
    port: int = 0  # 0: the first that is free

    @property
    def is_open(self) -> bool:
        """Whether others than this machine can reach it."""
        return not self.address.is_loopback


def parse_place(text: str) -> Place:
    """ADDRESS or ADDRESS:PORT, IPv6 in brackets when there is a port; raises Refusal."""
    match = _PLACE.fullmatch(text)
    host, port = (match[1] or match[2], match[3]) if match else (text, "")
    try:
        place = Place(ipaddress.ip_address(host), int(port or FIRST_PORT))
        if not 0 < place.port < 65536:
            raise ValueError(text)
        return place
    except ValueError:
        raise Refusal(f"-listen needs an IP address, or address:port, not {text!r}") from None


def open_socket(place: Place) -> socket.socket:
    """A listening socket; raises ListenError."""
    if place.port:
        return bind(str(place.address), place.port)
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with contextlib.suppress(ListenError):
            return bind(str(place.address), port)
    raise ListenError(f"none of the ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free; name another with -listen")


def closed_place(directory: Path) -> Path | None:
    """The first directory on the way to this one that users other than its owner may not enter."""
    real = directory.resolve()
    return next((place for place in (*reversed(real.parents), real) if not place.stat().st_mode & 0o001), None)


@contextlib.contextmanager
def only_one(scratch: Path) -> Iterator[None]:
    """Raises Refusal when a set-up runs in this directory already."""
    privatefile.make_directory(scratch)
    descriptor = os.open(scratch / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refusal("the set-up runs in this directory already; for a new link run: setup-link") from None
        yield
    finally:
        os.close(descriptor)


def is_running(scratch: Path) -> bool:
    """Whether a set-up runs in the directory."""
    try:
        with open(scratch / LOCK_FILE, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def renew_link(directory: Path) -> list[str]:
    """New links to the set-up that runs in a directory, one for each address of it; raises Refusal when none runs."""
    scratch = directory / SETUP_DIRECTORY
    if not is_running(scratch):
        raise Refusal(f"no set-up runs in {directory}; start it there, or name its directory with -directory")
    try:
        origins = json.loads(privatefile.read(scratch / RUNNING_FILE))["origins"]
    except (ValueError, KeyError, TypeError):
        raise Refusal("the set-up is just starting; try again in a moment") from None
    token = Claims(scratch).new_link()
    return [f"{origin}{ENTRY}#{token}" for origin in origins]


def certificate(scratch: Path, names: list[str], now: float) -> SelfSigned:
    """The set-up's own certificate; kept, so that its fingerprint stays the same."""
    path = scratch / CERTIFICATE_FILE
    present = privatefile.read(path)
    if not present:
        made = make_self_signed(names, now)
        privatefile.replace(path, made.certificate + made.key)
        return made
    split = present.index(b"-----BEGIN PRIVATE KEY-----")
    return SelfSigned(present[:split], present[split:])


def fingerprint(made: SelfSigned) -> str:
    """As browsers show it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.certificate.decode())).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _context(scratch: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(scratch / CERTIFICATE_FILE)
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a set-up is started."""

    directory: Path
    place: Place
    program: str  # as people type it
    archive: str
    server_command: Sequence[str]
    call: Call  # asks a running server
    opens_browser: bool = True


def run(start: Start) -> int:
    """Run the set-up; the exit code."""
    return asyncio.run(_run(start))


async def _run(start: Start) -> int:
    resolver = Resolver()
    system = RealSystem(start.server_command, start.call)
    machine = RealMachine()
    world = World(
        directory=start.directory,
        machine=machine,
        resolver=resolver,
        system=system,
        lookout=authoritative(resolver),
        dialler=HostDialler(hostname=machine.hostname()),
        archive=start.archive,
        program=start.program,
    )
    terminal = this_terminal(start.program, os.environ)
    if not start.opens_browser:
        terminal = replace(terminal, has_display=False)
    try:
        return await Program(Wizard.open(world), system, start.place, terminal).run()
    finally:
        resolver.close()


@dataclass(slots=True)
class Program:
    """A run of the set-up."""

    wizard: Wizard
    system: RealSystem
    place: Place
    terminal: Terminal

    async def run(self) -> int:
        """Until it is over; the exit code."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        sock = open_socket(self.place)
        server = self._server(sock)
        serving = asyncio.create_task(server.serve())
        self._announce(sock.getsockname()[1])
        await self.wizard.resume()
        await _first_of(stop.wait(), self.wizard.over.wait())
        if self.wizard.over.is_set():
            await _first_of(stop.wait(), asyncio.sleep(LAST_PAGE_S))
        server.stop()
        await asyncio.gather(serving, return_exceptions=True)
        await self.wizard.close()
        return await self._end(stop)

    def _server(self, sock: socket.socket) -> PageServer:
        is_tls = self.place.is_open
        rules = Rules(is_tls=is_tls, names=(self.wizard.world.machine.hostname().lower(),))
        if is_tls:
            certificate(self.wizard.scratch, self._addresses(), self.wizard.world.clock.now())
        context = _context(self.wizard.scratch) if is_tls else None
        return PageServer(application(self.wizard, rules), [sock], context)

    def _addresses(self) -> list[str]:
        """By which addresses people reach us."""
        if not self.place.address.is_unspecified:
            return [str(self.place.address)]
        version = self.place.address.version
        routes = [str(ip) for ip in self.wizard.world.machine.routes() if ip.version == version]
        return routes or [str(LOOPBACK)]

    def _announce(self, port: int) -> None:
        scheme = "https" if self.place.is_open else "http"
        origins = [
            f"{scheme}://[{one}]:{port}" if ":" in one else f"{scheme}://{one}:{port}" for one in self._addresses()
        ]
        privatefile.replace(self.wizard.scratch / RUNNING_FILE, json.dumps({"origins": origins}).encode())
        token = self.wizard.claims.new_link()
        links = [f"{origin}{ENTRY}#{token}" for origin in origins]
        mark = ""
        if self.place.is_open:
            mark = fingerprint(certificate(self.wizard.scratch, [], 0.0))
        world = self.wizard.world
        if needs_root(world.machine):
            self.terminal.warn_without_root(root_command(world.archive, world.program))
        if self.terminal.is_terminal:
            self.terminal.greet(links, port, mark)
            if self.terminal.has_display:
                open_browser(links[0])
        else:
            path = self.wizard.scratch / LINK_FILE
            privatefile.replace(path, "".join(f"{link}\n" for link in links).encode())
            self.terminal.point_to(path, mark)

    async def _end(self, stop: asyncio.Event) -> int:
        """What remains when the pages are closed."""
        is_over = self.wizard.over.is_set()
        if is_over:
            await asyncio.to_thread(shutil.rmtree, self.wizard.scratch, ignore_errors=True)
            self.terminal.say_over(self.wizard.draft.started is Started.SYSTEMD, has_child=self._has_child)
        else:
            self.terminal.say_stopped(has_child=self._has_child)
        if not self._has_child:
            return 0
        assert self.system.server is not None
        if is_over:
            await _first_of(stop.wait(), self.system.server.wait())
        return await self.system.stop_server()

    @property
    def _has_child(self) -> bool:
        return self.system.server is not None and self.system.server.returncode is None


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of the awaitables is done; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
