"""The commands about TLS of other servers, against DNS and servers on loopback."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli.main import main
from app.trust.dane import make_record
from tests.support.authority import Authority
from tests.support.dns import DnsServer, Zone
from tests.support.smtpsink import SmtpSink

ROOT = Authority("root")
LEAF = ROOT.leaf("mx.example.net")


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    zone: Zone = {
        "example.net": {"MX": ["10 mx.example.net"], "AD": True},
        "mx.example.net": {"A": ["127.0.0.1"], "AD": True},
    }
    with DnsServer(zone) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        yield zone


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody types QUIT."""
    reading, writing = os.pipe()
    os.write(writing, b"QUIT\n")
    os.close(writing)
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


class Sinks:
    """A mail server in a loop of its own."""

    def __init__(self, start: Callable[[], SmtpSink]) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.sink = start()
        self.run(self.sink.__aenter__())

    def run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)  # type: ignore[arg-type]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    made = Sinks(lambda: SmtpSink(tls=LEAF.server(tmp_path)))
    yield made.sink
    made.run(made.sink.__aexit__())
    made.loop.call_soon_threadsafe(made.loop.stop)


def test_smtp_dial_starts_tls_and_passes_on_what_is_typed(zone: Zone, typed: None, sink: SmtpSink, capsys) -> None:
    assert main(["smtp", "dial", "-ehlohostname", "me.example", f"mx.example.net:{sink.port}"]) == 0
    out = capsys.readouterr().out
    assert "* TLSv1.3" in out
    assert out.endswith("221 bye\n")
    assert sink.commands == ["EHLO me.example", "STARTTLS", "EHLO me.example", "QUIT"]


def test_smtp_dial_without_tls(zone: Zone, typed: None, sink: SmtpSink, capsys) -> None:
    assert main(["smtp", "dial", "-notls", f"127.0.0.1:{sink.port}"]) == 0
    assert "STARTTLS" not in sink.commands


def test_smtp_dial_checks_the_certificate_when_asked(zone: Zone, sink: SmtpSink, capsys) -> None:
    assert main(["smtp", "dial", "-tlsverify", f"mx.example.net:{sink.port}"]) == 1
    assert "the certificate is" in capsys.readouterr().err


def test_smtp_dial_to_nobody_says_why(zone: Zone, capsys) -> None:
    assert main(["smtp", "dial", "127.0.0.1:1"]) == 1
    assert "no connection to 127.0.0.1 port 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("certificate", "signed", "code", "words"),
    [
        (LEAF.der, True, 0, "the certificate is proven by TLSA 3 1 1"),
        (ROOT.der, True, 1, "it is not the one in the records"),
        (LEAF.der, False, 1, "are not signed"),
        (None, True, 1, "there are no TLSA records"),
    ],
)
def test_dane_dialmx(
    zone: Zone,
    typed: None,
    sink: SmtpSink,
    capsys,
    monkeypatch,
    certificate: bytes | None,
    signed: bool,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr("app.cli.dane.SMTP_PORT", sink.port)
    if certificate:
        record = make_record(3, 1, 1, certificate)
        zone[f"_{sink.port}._tcp.mx.example.net"] = {"TLSA": [f"3 1 1 {record.data.hex()}"], "AD": signed}
    assert main(["dane", "dialmx", "example.net"]) == code
    assert words in "".join(capsys.readouterr())


def test_dane_dial_speaks_tls_at_once(zone: Zone, typed: None, tmp_path: Path, capsys) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    context: ssl.SSLContext = LEAF.server(tmp_path)
    starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(answer, "127.0.0.1", 0, ssl=context), loop)
    port = starting.result(10).sockets[0].getsockname()[1]
    record = make_record(2, 0, 1, ROOT.der)
    zone[f"_{port}._tcp.mx.example.net"] = {"TLSA": [f"2 0 1 {record.data.hex()}"], "AD": True}
    assert main(["dane", "dial", f"mx.example.net:{port}"]) == 0
    assert capsys.readouterr().out.endswith("heard QUIT\n")
    assert main(["dane", "dial", "-usages", "dane-ee", f"mx.example.net:{port}"]) == 1
    loop.call_soon_threadsafe(loop.stop)


def test_dane_makerecord_of_certificate_and_key_agree(tmp_path: Path, capsys) -> None:
    certificate, key = LEAF.write(tmp_path)
    lines = []
    for file in (certificate, key):
        assert main(["dane", "makerecord", "dane-ee", "spki", "sha2-256", str(file)]) == 0
        lines.append(capsys.readouterr().out)
    expected = make_record(3, 1, 1, LEAF.der)
    assert lines == [f"3 1 1 {expected.data.hex()}\n"] * 2
    assert main(["dane", "makerecord", "3", "0", "1", str(key)]) == 1
    assert main(["dane", "makerecord", "4", "0", "1", str(key)]) != 0


def test_tlsrpt_lookup(zone: Zone, capsys) -> None:
    assert main(["tlsrpt", "lookup", "example.net"]) == 1
    zone["_smtp._tls.example.org"] = {"TXT": ["v=TLSRPTv1; rua=mailto:tls@example.org"]}
    assert main(["tlsrpt", "lookup", "example.org"]) == 0
    assert "Reports go to mailto:tls@example.org" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "has no MTA-STS record"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], "2 MTA-STS records"),
        (["v=STSv1; id=a-b"], "letters and digits"),
        (["v=STSv1; id=1"], "mta-sts.example.net has no address"),
    ],
)
def test_mtasts_lookup_says_what_is_wrong(zone: Zone, capsys, records: list[str], words: str) -> None:
    zone["_mta-sts.example.net"] = {"TXT": records} if records else {}
    assert main(["mtasts", "lookup", "example.net"]) == 1
    assert words in "".join(capsys.readouterr())
