"""A conversation with a mail server by hand: connect, greet, start TLS, and then what is typed goes there.

`Line` speaks just enough SMTP to get to the encrypted part; `copy` then passes lines from standard input to the server
and what it says to standard output, until it closes. Raises Refusal with words for the person who asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
import threading

from app.cli.listing import one_line
from app.errors import Refusal
from app.wire.smtp.address import IPAddress

DIAL_S = 30.0
REPLY_S = 60.0
AFTER_END_S = 10.0  # for the server to say its last words when nothing more is typed
MAX_LINES = 500


class Line:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: str) -> None:
        self._reader = reader
        self._writer = writer
        self._place = place

    @classmethod
    async def open(cls, ip: IPAddress, port: int, tls: ssl.SSLContext | None = None, name: str | None = None) -> Line:
        """Connect, with TLS from the first byte if there is a context."""
        place = f"{ip} port {port}"
        try:
            async with asyncio.timeout(DIAL_S):
                opened = await asyncio.open_connection(str(ip), port, ssl=tls, server_hostname=name if tls else None)
        except TimeoutError:
            raise Refusal(f"{place} does not answer within {DIAL_S:.0f} seconds") from None
        except OSError as err:  # ssl.SSLError is one
            raise Refusal(f"no connection to {place}: {_reason(err)}") from None
        return cls(*opened, place)

    async def reply(self) -> list[str]:
        """The lines of the next reply, which are printed."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(REPLY_S):
                while len(lines) < MAX_LINES:
                    data = await self._reader.readline()
                    if not data:
                        raise Refusal(f"{self._place} has closed the connection")
                    lines.append(data.decode("utf-8", "replace").rstrip("\r\n"))
                    print(f"< {one_line(lines[-1])}")
                    if lines[-1][3:4] != "-":
                        return lines
        except TimeoutError:
            raise Refusal(f"{self._place} says nothing for {REPLY_S:.0f} seconds") from None
        except (OSError, ValueError) as err:
            raise Refusal(f"{self._place} broke off: {err}") from None
        raise Refusal(f"{self._place} answers with more than {MAX_LINES} lines")

    async def command(self, text: str, expected: str) -> list[str]:
        """Say something and get a reply that begins as expected."""
        print(f"> {one_line(text)}")
        self._writer.write(text.encode() + b"\r\n")
        lines = await self.reply()
        if not lines[-1].startswith(expected):
            raise Refusal(f"{self._place} refuses {text.partition(' ')[0]}")
        return lines

    async def greet(self, hostname: str) -> list[str]:
        """The greeting and EHLO; what the server offers, in upper case."""
        if not (await self.reply())[-1].startswith("220"):
            raise Refusal(f"{self._place} does not want to talk")
        return await self.hello(hostname)

    async def hello(self, hostname: str) -> list[str]:
        """EHLO."""
        return [line[4:].upper() for line in (await self.command(f"EHLO {hostname}", "250"))[1:]]

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """STARTTLS; the greeting has been."""
        await self.command("STARTTLS", "220")
        try:
            await self._writer.start_tls(context, server_hostname=name, ssl_handshake_timeout=DIAL_S)
        except OSError as err:
            raise Refusal(f"TLS with {self._place} fails: {_reason(err)}") from None

    @property
    def ssl_object(self) -> ssl.SSLObject:
        """Of the connection with TLS."""
        found = self._writer.get_extra_info("ssl_object")
        assert isinstance(found, ssl.SSLObject)
        return found

    def print_tls(self) -> None:
        """Say what was negotiated."""
        cipher = self.ssl_object.cipher()
        print(f"* {self.ssl_object.version()}, {cipher[0] if cipher else 'no cipher'}")

    async def copy(self) -> None:
        """Until the server closes, or nothing more is typed and it says nothing more."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        thread = threading.Thread(target=_read_input, args=(loop, self._writer, ended), daemon=True)
        thread.start()
        with contextlib.suppress(OSError, TimeoutError):
            while data := await self._read(ended):
                sys.stdout.write(data.decode("utf-8", "replace").replace("\r\n", "\n"))
                sys.stdout.flush()

    async def _read(self, ended: asyncio.Event) -> bytes:
        """The next bytes; once input has ended, only for a while."""
        reading = asyncio.ensure_future(self._reader.read(65536))
        ending = asyncio.ensure_future(ended.wait())
        await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        return await asyncio.wait_for(reading, AFTER_END_S if ended.is_set() else None)

    def close(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()


def _read_input(loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter, ended: asyncio.Event) -> None:
    """In a thread, as the terminal blocks; by descriptor, so that nothing is locked when the program ends."""
    number = sys.stdin.fileno()
    with contextlib.suppress(RuntimeError, OSError):  # the loop has ended
        while data := os.read(number, 65536):
            line = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            loop.call_soon_threadsafe(writer.write, line)
        loop.call_soon_threadsafe(ended.set)


def _reason(err: OSError) -> str:
    if isinstance(err, ssl.SSLCertVerificationError):
        from app.net.certificatefault import certificate_fault

        return certificate_fault(err).words
    return err.strerror or str(err) or type(err).__name__


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """What `host:port`, `host` or `[address]:port` says."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, str(default)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise Refusal(f"{port!r} is not a port")
    return host.strip("[]").removesuffix("."), int(port)
