"""What other web servers are told, and whether they do it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Temporary
from app.net.selfsigned import make_self_signed
from quickstart.proxies import Names, Snippet, snippets
from quickstart.proxytest import Ports, Reached, try_names
from tests.support.machines import DictionaryResolver

NAMES = Names("mail.example.org", ("mta-sts.example.org", "autoconfig.example.org"))


@pytest.mark.parametrize("snippet", snippets(NAMES), ids=lambda snippet: snippet.key)
def test_every_snippet_has_both_names_and_where_they_go(snippet: Snippet) -> None:
    text = snippet.text
    assert all(name in text for name in NAMES.files)
    assert "127.0.0.1:81" in text
    assert text.count("{") == text.count("}")


def free_ports() -> Ports:
    socks = [socket.socket() for _ in range(3)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    numbers = [int(sock.getsockname()[1]) for sock in socks]
    for sock in socks:
        sock.close()
    return Ports(http=numbers[0], https=numbers[1], files=numbers[2])


def run(tmp_path: Path, answer: Callable[[Ports, str], str]) -> list[Reached]:
    """The test against a small web server on both ports; `answer` gives what it does with a host."""
    ports = free_ports()
    made = make_self_signed(["localhost"], 1_790_000_000.0)
    (tmp_path / "both.pem").write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        host = request.decode().partition("Host: ")[2].partition("\r\n")[0]
        said = answer(ports, host)
        if said == "pass on":
            inner, forward = await asyncio.open_connection("127.0.0.1", ports.files)
            forward.write(request)
            writer.write(await inner.read())
            forward.close()
        else:
            writer.write(said.encode())
        await writer.drain()
        writer.close()

    async def both() -> list[Reached]:
        plain = await asyncio.start_server(serve, "127.0.0.1", ports.http)
        secure = await asyncio.start_server(serve, "127.0.0.1", ports.https, ssl=context)
        async with plain, secure:
            return await try_names(NAMES.files, DictionaryResolver({}), ports)

    return asyncio.run(both())


def test_a_web_server_that_passes_on_is_seen_to_do_so(tmp_path: Path) -> None:
    results = run(tmp_path, lambda ports, host: "pass on")
    assert [(one.name, one.scheme, one.is_ours) for one in results] == [
        (name, scheme, True) for name in NAMES.files for scheme in ("http", "https")
    ]


def test_another_site_and_a_redirect_are_told_apart(tmp_path: Path) -> None:
    answers = dict(zip(NAMES.files, ("HTTP/1.1 301 Moved\r\n\r\n", "HTTP/1.1 200 <b>\r\n\r\n"), strict=True))
    found = run(tmp_path, lambda ports, host: answers[host])
    assert not any(one.will_do for one in found)
    assert "elsewhere" in found[0].sentence
    assert "Another site" in found[2].sentence


def test_plain_http_may_send_visitors_to_https_of_the_same_name(tmp_path: Path) -> None:
    first = NAMES.files[0]
    found = run(tmp_path, lambda ports, host: f"HTTP/1.1 308 Moved\r\nLocation: https://{first}/x\r\n\r\n")
    assert [(one.name, one.scheme) for one in found if one.will_do] == [(first, "http")]


def test_nobody_there_and_a_port_that_is_taken_are_said(tmp_path: Path) -> None:
    ports = free_ports()
    found = asyncio.run(try_names(NAMES.files, DictionaryResolver({}), ports))
    assert all("No connection" in one.sentence for one in found)
    with socket.create_server(("127.0.0.1", ports.files)), pytest.raises(Temporary, match="cannot answer"):
        asyncio.run(try_names(NAMES.files, DictionaryResolver({}), ports))
