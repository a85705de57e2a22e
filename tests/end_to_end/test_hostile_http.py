"""The built file's web server, over TLS, against clients that mean harm: no request is read in two ways, none is a 500.

The families of hidden Transfer-Encoding fields are those that the public smuggling tools try: each odd byte at each
place around the name and the value. A backend behind the server keeps what reaches it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, wait_for
from tests.support.backend import Backend, backend
from tests.support.built import Instance

SITE = "www.site.test"
ROOM_KB = 30_000
PATIENCE_S = 30.0
RULES = """WebHandlers:
\t-
\t\tDomain: www.site.test
\t\tPathRegexp: ^/app/
\t\tDontRedirectPlainHTTP: true
\t\tCompress: true
\t\tWebForward:
\t\t\tURL: http://BACKEND
\t-
\t\tDomain: www.site.test
\t\tPathRegexp: ^/
\t\tDontRedirectPlainHTTP: true
\t\tCompress: true
\t\tWebStatic:
\t\t\tRoot: ROOT
"""
HOST = b"Host: www.site.test\r\n"
CLOSE = b"Connection: close\r\n"
HIDDEN = b"GET /app/hidden HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
ODD_BYTES = bytes((1, 4, 8, 9, 10, 11, 12, 13, 27, 31, 32, 127, 133, 160, 255))
PLACES = {
    "before value": b"Transfer-Encoding:@chunked",
    "after name": b"Transfer-Encoding@: chunked",
    "before name": b"@Transfer-Encoding: chunked",
    "after value": b"Transfer-Encoding: chunked@",
    "in another value": b"X: x@Transfer-Encoding: chunked",
    "in another value, after a return": b"X: x\r@Transfer-Encoding: chunked",
    "in the name": b"Transfer@Encoding: chunked",
    "in the value": b"Transfer-Encoding: chu@nked",
    "quoted": b'Transfer-Encoding: "chunked"@',
    "in a list": b"Transfer-Encoding: identity,@chunked",
}
BODIES = {
    "size in two bases": b"0x5\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+5\r\nhello\r\n0\r\n\r\n",
    "very large": b"F" * 17 + b"\r\nhello\r\n0\r\n\r\n",
    "very long number": b"0" * 5000 + b"5\r\nhello\r\n0\r\n\r\n",
    "endless extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "end of line in the extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare line feeds": b"5\nhello\n0\n\n",
    "too short": b"6\r\nhello\r\n0\r\n\r\n",
    "too long": b"4\r\nhello\r\n0\r\n\r\n",
    "no end of the piece": b"5\r\nhelloXX0\r\n\r\n",
    "nothing": b"\r\n\r\n",
    "trailer with a length": b"5\r\nhello\r\n0\r\nContent-Length: 100\r\n\r\n",
    "endless trailer": b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
}
UNENDED = ("very large", "bare line feeds")  # the server waits for more
# A request, and the statuses of which one answers it.
ODD_REQUESTS = {
    "large field": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n", {431}),
    "ten thousand fields": (b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 10_000 + b"\r\n", {431}),
    "long path": (b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {414, 431}),
    "long method": (b"G" * 30_000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", {400, 405, 431}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400}),
    "HTTP/3.7": (b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", {400, 505}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + b"Host: localhost\r\n\r\n", {400}),
    "host with markup": (b"GET / HTTP/1.1\r\nHost: <b>\r\n" + CLOSE + b"\r\n", {400, 404, 421}),
    "zero in the path": (b"GET /a%00b HTTP/1.1\r\n" + HOST + b"\r\n", {400, 404}),
    "broken escapes": (b"GET /%zz%c0%ae%c0%ae/%ff HTTP/1.1\r\n" + HOST + b"\r\n", {400, 404}),
    "out of the root": (b"GET /..%2f..%5c..%2fetc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", {404}),
    "upgrade to nothing": (
        b"GET /app/ HTTP/1.1\r\n" + HOST + b"Connection: upgrade, close\r\nUpgrade: nothing\r\n\r\n",
        {200},
    ),
    "upgrade to h2c": (b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n", {404}),
    "websocket without key": (
        b"GET /app/ HTTP/1.1\r\n" + HOST + b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        {400, 426},
    ),
    "websocket of another time": (
        b"GET /app/ HTTP/1.1\r\n"
        + HOST
        + b"Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\n"
        + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        {400, 426},
    ),
    "websocket by POST": (
        b"POST /app/ HTTP/1.1\r\n"
        + HOST
        + b"Connection: upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        {400, 405},
    ),
    "ten thousand codings": (
        b"GET /text.txt HTTP/1.1\r\n" + HOST + b"Accept-Encoding: " + b"gzip;q=0.1," * 2000 + b"\r\n\r\n",
        {200},
    ),
    "a coding with its weight": (
        b"GET /text.txt HTTP/1.1\r\n" + HOST + b"Accept-Encoding: gzip;q=1.0\r\n\r\n",
        {200},
    ),
    "ten thousand ranges": (
        b"GET /text.txt HTTP/1.1\r\n" + HOST + b"Range: bytes=" + b"0-,1-," * 1500 + b"2-\r\n\r\n",
        {200, 206, 416},
    ),
    "no such range": (b"GET /text.txt HTTP/1.1\r\n" + HOST + b"Range: bytes=99999999999999999999-\r\n\r\n", {200, 416}),
    "odd date": (b"GET /text.txt HTTP/1.1\r\n" + HOST + b"If-Modified-Since: " + b"9" * 300 + b"\r\n\r\n", {200}),
    "unknown expectation": (
        b"POST /app/ HTTP/1.1\r\n" + HOST + b"Expect: magic\r\nContent-Length: 0\r\n\r\n",
        {200, 417},
    ),
    "tunnel": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", {400, 405}),
}


@pytest.fixture(scope="module")
def behind() -> Iterator[Backend]:
    with backend(own_ip(9)) as made:
        yield made


@pytest.fixture(scope="module")
def site(server: Instance, behind: Backend, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    root = tmp_path_factory.mktemp("www")
    (root / "text.txt").write_text("a line of text\n" * 1000)
    server.wait_for(1443)
    conf = server.directory / "domains.conf"
    rules = RULES.replace("BACKEND", f"{behind.ip}:{behind.port}").replace("ROOT", str(root))
    conf.write_text(conf.read_text().replace("WebHandlers:\n", rules, 1))
    wait_for(lambda: "200 OK" in repr(ask(server, b"GET /text.txt HTTP/1.1\r\n" + HOST + b"\r\n")), server.log)
    return server


def connect(server: Instance) -> ssl.SSLSocket:
    """A client over TLS that names the site."""
    plain = socket.create_connection((server.ip, 1443), timeout=PATIENCE_S)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else its request waits for an ACK, 40 ms
    return any_certificate().wrap_socket(plain, server_hostname=SITE)


def ask(server: Instance, request: bytes, *, gives_up: bool = False) -> bytes:
    """All that comes back until the server closes, which it is asked for unless the request is about Connection."""
    asked = request if b"Connection:" in request else request.replace(HOST, HOST + CLOSE, 1)
    with connect(server) as stream:
        with contextlib.suppress(OSError):  # it may have refused before the end
            stream.sendall(asked)
            if gives_up:
                stream.shutdown(socket.SHUT_WR)
        return read_all(stream)


def read_all(stream: ssl.SSLSocket) -> bytes:
    """Until the server closes, or says no more for a while."""
    got = b""
    with contextlib.suppress(OSError):
        while data := stream.recv(1 << 16):
            got += data
    return got


def statuses(answer: bytes) -> list[int]:
    """Of all answers on a connection; bodies here never look like one."""
    return [int(one) for one in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)]


@pytest.mark.parametrize("place", PLACES)
def test_hidden_field_hides_no_request(site: Instance, behind: Backend, place: str) -> None:
    behind.heads.clear()
    body = b"0\r\n\r\n" + HIDDEN
    length = b"Content-Length: %d\r\n" % len(body)
    for odd in ODD_BYTES:
        field = PLACES[place].replace(b"@", bytes((odd,))) + b"\r\n"
        for fields in (length + field, field + length, field):
            head = b"POST /app/first-%d HTTP/1.1\r\n%s%s%s\r\n" % (odd, HOST, fields, CLOSE)
            told = statuses(ask(site, head + body))
            assert set(told) <= {200, 400, 421, 501}, fields
    assert statuses(ask(site, b"GET /app/last HTTP/1.1\r\n" + HOST + b"\r\n")) == [200]
    seen = [head.split(b" ")[1] for head in behind.heads]
    if place != "before name":  # an empty line ends a head, whatever its line ends are (RFC 9112 §2.2)
        assert b"/app/hidden" not in seen
    assert not any(
        b"\ntransfer-encoding" in head.lower() and b"\ncontent-length" in head.lower() for head in behind.heads
    )


@pytest.mark.parametrize("kind", BODIES)
def test_body_that_is_no_body_hides_no_request(site: Instance, behind: Backend, kind: str) -> None:
    behind.heads.clear()
    head = b"POST /app/body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    told = statuses(ask(site, head + BODIES[kind], gives_up=kind in UNENDED))
    assert set(told) <= {200, 400, 413, 431}
    assert statuses(ask(site, b"GET /app/last HTTP/1.1\r\n" + HOST + b"\r\n")) == [200]
    seen = [head.split(b" ")[1] for head in behind.heads]
    assert seen.count(b"/app/last") == 1
    assert b"/app/hidden" not in seen


@pytest.mark.parametrize("kind", ODD_REQUESTS)
def test_odd_request_has_its_answer(site: Instance, kind: str) -> None:
    request, expected = ODD_REQUESTS[kind]
    answer = ask(site, request)
    assert set(statuses(answer)) <= expected, answer[:300]
    assert statuses(answer), "it was told something"


def test_thousand_requests_at_once_are_answered_in_order(site: Instance, behind: Backend) -> None:
    before = peak_kb(site)
    behind.heads.clear()
    requests = [
        b"GET /app/%d HTTP/1.1\r\n%s%s\r\n" % (n, HOST, b"Connection: close\r\n" * (n == 999)) for n in range(1000)
    ]
    with connect(site) as stream:
        stream.sendall(b"".join(requests))
        answer = read_all(stream)
    assert statuses(answer) == [200] * 1000
    assert [head.split(b" ")[1] for head in behind.heads] == [b"/app/%d" % n for n in range(1000)]
    assert peak_kb(site) < before + ROOM_KB


def test_slow_clients_wait_for_nobody_else_and_leave_nothing(site: Instance) -> None:
    before = peak_kb(site)
    slow = [connect(site) for _ in range(50)]
    for number, stream in enumerate(slow):
        stream.sendall(b"POST /app/slow HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\nX: " + b"a" * number)
    assert statuses(ask(site, b"GET /text.txt HTTP/1.1\r\n" + HOST + b"\r\n")) == [200]
    for stream in slow:
        stream.close()
    assert statuses(ask(site, b"GET /text.txt HTTP/1.1\r\n" + HOST + b"\r\n")) == [200]
    assert peak_kb(site) < before + ROOM_KB
    assert 'm="request failed"' not in site.log()
    assert "Traceback" not in site.log()


def peak_kb(server: Instance) -> int:
    """The most memory that the server has had."""
    assert server.process is not None
    return int(Path(f"/proc/{server.process.pid}/status").read_text().split("VmHWM:")[1].split()[0])
