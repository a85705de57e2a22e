"""Connections to real sockets of this machine, with and without what they should have."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable

import pytest

from app.operations.dnscheck.dialling import MAX_BODY, HostDialler, ProbeFailed
from tests.support.certificates import self_signed
from tests.support.smtpsink import HANG, SmtpSink

IP = ipaddress.ip_address("127.0.0.1")
HOST = "mx.example.org"


def dialler(smtp: int = 1, https: int = 1, trust: ssl.SSLContext | None = None, dial_s: float = 5.0) -> HostDialler:
    return HostDialler(hostname="here.example.org", context=trust, smtp_port=smtp, https_port=https, dial_s=dial_s)


def outcome(work: Awaitable[str | None]) -> Awaitable[str]:
    async def run() -> str:
        try:
            return await work or "fine"
        except ProbeFailed as err:
            return str(err)

    return run()


def starttls(sink: SmtpSink, host: str = HOST, *, trusted: bool = True, dial_s: float = 5.0) -> str:
    async def run() -> str:
        async with sink:
            trust = self_signed(HOST).client if trusted else None
            return await outcome(dialler(sink.port, trust=trust, dial_s=dial_s).starttls(host, IP))

    return asyncio.run(run())


def test_starttls_with_a_good_certificate_is_fine() -> None:
    assert starttls(SmtpSink(tls=self_signed(HOST).server)) == "fine"


@pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [
        (HOST, False, "the certificate is signed by nobody but itself"),
        ("other.example", True, "the certificate is for another name"),
    ],
)
def test_a_certificate_that_others_do_not_accept_says_why(host: str, trusted: bool, words: str) -> None:
    text = starttls(SmtpSink(tls=self_signed(HOST).server), host, trusted=trusted)
    assert words in text
    assert "SSL" not in text
    assert "_ssl.c" not in text


def test_what_a_mail_host_lacks_is_named() -> None:
    assert "STARTTLS is not offered" in starttls(SmtpSink())
    assert "refused" in starttls(SmtpSink(faults={"greeting": b"554 go away\x1b[2J\r\n"}))
    assert "no answer within" in starttls(SmtpSink(faults={"greeting": HANG}), dial_s=0.2)
    assert "Connection refused" in asyncio.run(_closed())


async def _closed() -> str:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return await outcome(dialler(port).starttls(HOST, IP))


def web(answer: bytes, ask: Callable[[HostDialler], Awaitable[str | None]], *, tls: bool = True) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def run() -> str:
        context = self_signed(HOST).server if tls else None
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            return await outcome(ask(dialler(https=port, trust=self_signed(HOST).client, dial_s=1.0)))

    return asyncio.run(run())


def fetch(dial: HostDialler) -> Awaitable[str]:
    return dial.fetch(HOST, IP, "/x")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nversion: STSv1\n", "version: STSv1\n"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", "answers HTTP/1.1 301 Moved"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1), "more than 64 KiB"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 9000, "no web server"),
        (b"HTTP/1.0\r\n\r\n", "answers HTTP/1.0"),
        (b"\x1b[2J\r\n\r\n", "answers \\x1b[2J"),
        (b"", "no web server"),
    ],
)
def test_a_policy_is_read_whole_or_the_reason_is_given(answer: bytes, words: str) -> None:
    assert words in web(answer, fetch)


def test_https_needs_tls() -> None:
    assert web(b"", lambda dial: dial.https(HOST, IP)) == "fine"
    assert web(b"", lambda dial: dial.https(HOST, IP), tls=False) != "fine"
