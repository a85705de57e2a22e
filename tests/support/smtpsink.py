"""An SMTP server for tests that takes every message, or misbehaves where a test says so.

`faults` maps a step (greeting, ehlo, helo, starttls, mail, rcpt, data, body, quit) to what happens there instead: bytes
are sent as the reply, CLOSE ends the connection, HANG says nothing more, TRICKLE sends the usual in single bytes, and
TORN half of it before the end; a list is used up call by call, None in it means the usual.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CLOSE = "close"
HANG = "hang"
TRICKLE = "trickle"
TORN = "torn"
Fault = bytes | str | None


@dataclass
class Taken:
    """A message the sink has taken."""

    mail: str
    recipients: list[str]
    data: bytes
    tls: bool


@dataclass
class SmtpSink:
    """Listens on a loopback address while used as an asynchronous context."""

    faults: dict[str, Fault | list[Fault]] = field(default_factory=dict)
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000", "DSN")
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    messages: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    peers: set[str] = field(default_factory=set)  # the addresses that connections came from

    async def __aenter__(self) -> SmtpSink:
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accepted, self.host, self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.peers.add(writer.get_extra_info("peername")[0])
        task = asyncio.get_running_loop().create_task(_Session(self, reader, writer).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def heard(self, line: str, times: int = 1) -> None:
        """Wait until a command has come that many times."""
        while self.commands.count(line) < times:
            self._news.clear()
            await self._news.wait()

    def fault(self, step: str) -> Fault:
        """What a test wants at this step."""
        planned = self.faults.get(step)
        if isinstance(planned, list):
            return planned.pop(0) if planned else None
        return planned


class _Session:
    def __init__(self, sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.mail = ""
        self.recipients: list[str] = []
        self.is_secure = False

    async def run(self) -> None:
        try:
            await self.reply("greeting", b"220 sink ESMTP\r\n")
            while line := await self.reader.readline():
                await self.command(line.decode().rstrip("\r\n"))
        except (ConnectionError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writer.close()

    async def reply(self, step: str, usual: bytes) -> bool:
        """Send what is due; whether it was the usual."""
        fault = self.sink.fault(step)
        if fault == HANG:
            await asyncio.Event().wait()
        if fault == CLOSE:
            raise EOFError
        if fault in (TRICKLE, TORN):
            await self.bit_by_bit(usual if fault == TRICKLE else usual[: len(usual) // 2])
            if fault == TORN:
                raise EOFError
            return True
        self.writer.write(fault if isinstance(fault, bytes) else usual)
        await self.writer.drain()
        # Whoever says that it took a message, or that it wants one, is taken at its word.
        agrees = (b"354",) if step == "data" else (b"250 ", b"250\r")
        return fault is None or (isinstance(fault, bytes) and len(fault) < 1000 and fault.startswith(agrees))

    async def bit_by_bit(self, data: bytes) -> None:
        """Send each byte in a packet of its own, as far as the machine lets us."""
        for byte in data:
            self.writer.write(bytes((byte,)))
            await self.writer.drain()
            await asyncio.sleep(0)

    async def command(self, line: str) -> None:
        self.sink.commands.append(line)
        self.sink._news.set()
        step = line.split(" ")[0].partition(":")[0].lower()
        if step == "ehlo":
            offers = [*self.sink.offers, *(["STARTTLS"] if self.sink.tls and not self.is_secure else [])]
            lines = ["sink", *offers]
            await self.reply(
                step, "".join(f"250{'-' if n < len(lines) - 1 else ' '}{o}\r\n" for n, o in enumerate(lines)).encode()
            )
        elif step == "starttls":
            if await self.reply(step, b"220 go\r\n"):
                assert self.sink.tls
                await self.writer.start_tls(self.sink.tls)
                self.is_secure = True
        elif step == "mail" and self.mail:
            await self.reply("nested", b"503 5.5.1 nested MAIL\r\n")
        elif step == "mail":
            self.recipients = []
            self.mail = line[10:].split(" ")[0] if await self.reply(step, b"250 2.1.0 ok\r\n") else ""
        elif step == "rcpt":
            if not self.mail:
                await self.reply("nomail", b"503 5.5.1 MAIL first\r\n")
            elif await self.reply(step, b"250 2.1.5 ok\r\n"):
                self.recipients.append(line[8:].split(" ")[0])
        elif step == "data":
            await self.data()
        elif step == "bdat":
            await self.chunk(line)
        elif step == "rset":
            self.mail = ""
            await self.reply(step, b"250 ok\r\n")
        elif step == "quit":
            await self.reply(step, b"221 bye\r\n")
            raise EOFError
        else:
            await self.reply(step, b"250 ok\r\n")

    async def chunk(self, line: str) -> None:
        """BDAT with the whole message (RFC 3030)."""
        _, size, last = line.split(" ")
        assert last == "LAST"
        content = await self.reader.readexactly(int(size))
        mail, self.mail = self.mail, ""
        if await self.reply("body", b"250 2.0.0 taken\r\n"):
            self.sink.messages.append(Taken(mail, self.recipients, content, self.is_secure))

    async def data(self) -> None:
        if not self.recipients:
            await self.reply("data", b"554 no valid recipients\r\n")
            return
        if not await self.reply("data", b"354 go\r\n"):
            return
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
        mail, self.mail = self.mail, ""
        if await self.reply("body", b"250 2.0.0 taken\r\n"):
            self.sink.messages.append(Taken(mail, self.recipients, b"".join(lines), self.is_secure))


def make_context(host: str = "mx.example.net") -> ssl.SSLContext:
    """A server context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
        context.load_cert_chain(file)
    return context
