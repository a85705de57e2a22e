"""`dmarcdb addreport` and `tlsrptdb addreport`, with a server running and without."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.main import main
from app.store import receiveddmarc, receivedtls
from app.store.serverdb import ServerDb
from tests.support.configuration import small_live
from tests.support.control import ControlWorld
from tests.wire.reports.samples import GOOGLE, plain, tls_json

DMARC = plain(GOOGLE.encode(), "text/xml")
ELSEWHERE = plain(GOOGLE.replace("example.com", "else.example").encode(), "text/xml")
TLS = plain(tls_json(), "application/tlsrpt+json")


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The exit code and the words of a command that gets a message."""

    def run(config: Path, message: bytes, *words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(message)))
        code = main(["-config", str(config), *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def domains(data_dir: Path) -> list[list[str]]:
    server = ServerDb.open(data_dir)
    try:
        found = [
            asyncio.run(server.reports.read(lambda db: receiveddmarc.summaries(db, 0))),
            asyncio.run(server.reports.read(lambda db: receivedtls.summaries(db, 0))),
        ]
        return [[one.domain for one in some] for some in found]
    finally:
        server.close()


def test_reports_are_added_once(tmp_path: Path, add: Callable[..., tuple[int, str]]) -> None:
    world = ControlWorld(tmp_path / "running")
    stopped = small_live(tmp_path / "stopped")

    def work(config: Path) -> None:
        assert add(config, DMARC, "dmarcdb", "addreport", "google.com") == (0, "the report is added\n")
        assert add(config, DMARC, "dmarcdb", "addreport", "google.com") == (0, "the report was here already\n")
        assert add(config, TLS, "tlsrptdb", "addreport", "google.com") == (0, "the report is added\n")

    world.run(lambda: work(world.live.path))
    work(stopped.path)
    assert domains(world.live.data_dir) == [["example.com"], ["example.com"]]
    assert domains(stopped.data_dir) == [["example.com"], ["example.com"]]


@pytest.mark.parametrize(
    ("message", "words", "told"),
    [
        (b"Subject: none\r\n\r\nhello\r\n", ("dmarcdb", "addreport", "google.com"), "no report that can be used"),
        (DMARC, ("tlsrptdb", "addreport", "google.com"), "no report that can be used"),
        (ELSEWHERE, ("dmarcdb", "addreport", "google.com"), "about else.example"),
        (DMARC, ("dmarcdb", "addreport", "not a domain"), "is not a domain"),
    ],
)
def test_what_cannot_be_added_is_told(
    tmp_path: Path, add: Callable[..., tuple[int, str]], message: bytes, words: tuple[str, ...], told: str
) -> None:
    code, said = add(small_live(tmp_path).path, message, *words)
    assert code == 1
    assert told in said
