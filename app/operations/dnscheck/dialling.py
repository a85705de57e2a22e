"""Connections to the hosts that a domain names: whether TLS comes about there, with a certificate that others accept.

`Dialler` is what the checks ask for; `HostDialler` connects for real, tests answer for themselves. Each call ends
within its seconds and raises ProbeFailed with the reason in words, fit to be shown.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from app.errors import MailError
from app.net.dial import DialFailed
from app.net.smtpclient import Conversation, Peer, verified_context
from app.operations.dnscheck.printable import printable
from app.wire.smtp.address import IPAddress

DIAL_S = 10.0
_IS_OK = re.compile(r"HTTP/1\.[01] 200( |$)")
MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024  # RFC 8461 §3.2 allows senders to stop there
_OPENSSL = re.compile(r"\[[^\]]{1,100}\] | \(_ssl\.c:\d{1,6}\)$")  # its names for an error, and the place in its source


class ProbeFailed(MailError):
    """The host does not answer as it should."""


class Dialler(Protocol):
    """What the checks want to know of a host. All raise ProbeFailed."""

    async def starttls(self, host: str, ip: IPAddress) -> None:
        """SMTP on port 25 offers STARTTLS, and the certificate is valid for the host."""

    async def https(self, host: str, ip: IPAddress) -> None:
        """TLS on port 443, with a valid certificate."""

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        """The text that the web server has there; redirects are not followed (RFC 8461 §3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDialler:
    """Connects."""

    hostname: str  # to greet with
    context: ssl.SSLContext | None = None  # whom to trust; by default the system's authorities
    smtp_port: int = 25
    https_port: int = 443
    dial_s: float = DIAL_S

    async def starttls(self, host: str, ip: IPAddress) -> None:
        async with self._explained(ip, self.smtp_port):
            talk = await Conversation.open(Peer(host, ip, self.smtp_port))
            try:
                await talk.greet(self.hostname)
                if not talk.capabilities.starttls:
                    raise ProbeFailed("STARTTLS is not offered")
                await talk.start_tls(self._trust)
                talk.quit()
            finally:
                talk.close()

    async def https(self, host: str, ip: IPAddress) -> None:
        async with self._explained(ip, self.https_port):
            _, writer = await self._connect(host, ip)
            await _close(writer)

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        async with self._explained(ip, self.https_port):
            reader, writer = await self._connect(host, ip)
            try:
                # HTTP/1.0, so that the answer comes in one piece and ends where the connection ends.
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: mox\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                status = head.partition(b"\r\n")[0].decode("latin-1")
                if not _IS_OK.match(status):
                    raise ProbeFailed(f"the web server answers {printable(status, 100)}")
                body = await _read_all(reader)
            finally:
                await _close(writer)
        return body.decode("utf-8", "backslashreplace")

    @property
    def _trust(self) -> ssl.SSLContext:
        return self.context or verified_context()

    async def _connect(self, host: str, ip: IPAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            str(ip), self.https_port, ssl=self._trust, server_hostname=host, limit=MAX_HEAD
        )

    @asynccontextmanager
    async def _explained(self, ip: IPAddress, port: int) -> AsyncIterator[None]:
        """Bounded in time, and every failure as ProbeFailed."""
        where = f"{ip} port {port}"
        try:
            async with asyncio.timeout(self.dial_s):
                yield
        except ProbeFailed as err:
            raise ProbeFailed(f"{where}: {err}") from None
        except TimeoutError:
            raise ProbeFailed(f"{where}: no answer within {self.dial_s:.0f} seconds") from None
        except ssl.SSLError as err:
            raise ProbeFailed(f"{where}: TLS failed: {_plain(err)}") from None
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise ProbeFailed(f"{where}: what answers there is no web server") from None
        except OSError as err:
            # The text in the error is the event loop's, which only says again where to; the number says why.
            reason = os.strerror(err.errno) if err.errno else str(err)
            raise ProbeFailed(f"cannot connect to {where}: {reason}") from None
        except DialFailed as err:
            raise ProbeFailed(str(err)) from None
        except MailError as err:  # SmtpFailed
            raise ProbeFailed(f"{where}: {_plain(err)}") from None


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while chunk := await reader.read(MAX_HEAD):
        body += chunk
        if len(body) > MAX_BODY:
            raise ProbeFailed(f"the web server sends more than {MAX_BODY // 1024} KiB")
    return bytes(body)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        await writer.wait_closed()


def _plain(err: Exception) -> str:
    """The words of OpenSSL without its names and places."""
    text = _OPENSSL.sub("", str(err))
    _, failed, reason = text.partition("certificate verify failed: ")
    return printable(f"certificate not accepted: {reason}" if failed else text, 300)
