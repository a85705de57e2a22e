"""Does the web server that has ports 80 and 443 pass requests on to us? Tried before anything is installed.

For as long as the test takes, this program answers on the port that requests will be passed on to, with a text that
nobody can guess; then it asks the web server for each name. It is reached at the address that DNS has for the name, or,
while DNS has none, at this machine itself with the name in the request. Certificates are not judged here: whether they
are trusted is another question. Answers are bounded in size and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app import ids
from app.errors import Temporary
from app.trust.lookup import LookupFailed, Resolver
from app.wire.smtp.address import IPAddress
from quickstart.checks.finding import printable
from quickstart.generate import PROXIED_FILES_PORT

TIMEOUT_S = 8.0
MAX_ANSWER = 16 << 10
PATH = "/.well-known/mox-setup-test"
HERE = ipaddress.IPv4Address("127.0.0.1")
_LOCATION = re.compile(r"^location:[ \t]*https://([^/:\s]{1,255})(?::443)?/", re.IGNORECASE | re.MULTILINE)
_SENT_ON = "Sends visitors on to HTTPS, which will do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where things are; tests use others."""

    http: int = 80
    https: int = 443
    files: int = PROXIED_FILES_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How one name was answered over one protocol."""

    name: str
    scheme: str
    is_ours: bool
    via: str  # the address that was asked
    sentence: str
    is_redirected: bool = False  # from HTTP to HTTPS of the same name

    @property
    def will_do(self) -> bool:
        """Whether nothing is to be changed for it."""
        return self.is_ours or self.is_redirected


async def try_names(names: Sequence[str], resolver: Resolver, ports: Ports | None = None) -> list[Reached]:
    """One result for each name and protocol; raises Temporary when the port to pass on to is taken."""
    ports = ports or Ports()
    secret = ids.token()
    async with _answering(ports.files, secret):
        trials = [
            _try(name, scheme, secret, resolver, port)
            for name in names
            for scheme, port in (("http", ports.http), ("https", ports.https))
        ]
        return list(await asyncio.gather(*trials))


@contextlib.asynccontextmanager
async def _answering(port: int, secret: str) -> AsyncIterator[None]:
    """Answer every request on the port with the secret."""
    body = secret.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            async with asyncio.timeout(TIMEOUT_S):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, str(HERE), port, limit=MAX_ANSWER)
    except OSError as error:
        raise Temporary(f"cannot answer on port {port} of this machine for the test: {error.strerror}") from None
    try:
        yield
    finally:
        server.close()


async def _try(name: str, scheme: str, secret: str, resolver: Resolver, port: int) -> Reached:
    ip, has_dns = await _address(name, resolver)
    via = str(ip) if has_dns else "this machine, as DNS has no address for the name yet"
    is_ours = is_redirected = False
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await _fetch(name, scheme, ip, port)
        is_ours = secret.encode() in answer
        is_redirected = not is_ours and scheme == "http" and _is_to_https(answer, name)
        sentence = "Passed on to us." if is_ours else _SENT_ON if is_redirected else _other(answer)
    except TimeoutError:
        sentence = f"No answer within {TIMEOUT_S:.0f} seconds."
    except ssl.SSLError as error:
        sentence = f"TLS failed: {printable(error.reason or str(error))}."
    except (OSError, EOFError) as error:
        sentence = f"No connection: {printable(str(getattr(error, 'strerror', '') or error))}."
    return Reached(name=name, scheme=scheme, is_ours=is_ours, via=via, sentence=sentence, is_redirected=is_redirected)


async def _address(name: str, resolver: Resolver) -> tuple[IPAddress, bool]:
    try:
        found = (await resolver.addresses(name)).records
    except LookupFailed:
        found = ()
    return (found[0], True) if found else (HERE, False)


async def _fetch(name: str, scheme: str, ip: IPAddress, port: int) -> bytes:
    context = None
    if scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        str(ip), port, ssl=context, server_hostname=name if context else None, limit=MAX_ANSWER
    )
    try:
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        answer = b""
        while len(answer) < MAX_ANSWER and (piece := await reader.read(MAX_ANSWER)):
            answer += piece
        return answer
    finally:
        writer.close()


def _is_to_https(answer: bytes, name: str) -> bool:
    """Whether it sends visitors of plain HTTP to HTTPS of the same name, as Caddy does by itself."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    match = _LOCATION.search(head)
    return " 30" in head[:13] and match is not None and match[1].lower() == name


def _other(answer: bytes) -> str:
    line = answer.split(b"\r\n", 1)[0].decode("latin-1")
    if " 30" in line[:13]:
        return "Sends visitors elsewhere instead of passing the request on."
    return f"Another site answers ({printable(line) or 'with nothing'}); the web server does not pass this name on."
