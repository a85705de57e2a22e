"""What keeps `serve` from starting is said in words, and nothing has been touched."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import localserve
from app.serve import run
from app.store.datalock import DataLock

IP = "127.0.0.99"


@pytest.fixture(autouse=True)
def kept_umask() -> Iterator[None]:
    """`run` sets it for the whole process, which here goes on with other tests."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return localserve.prepare(tmp_path / "new", ipaddress.ip_address(IP))


def refused(config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The words with which it ends, having left everything as it was."""
    before = sorted(path for path in config.parent.rglob("*") if path.name != "lock")
    assert run(config, localserve_address=localserve.ADDRESS) == 1
    assert sorted(path for path in config.parent.rglob("*") if path.name != "lock") == before
    return capsys.readouterr().err


def test_a_second_server_on_the_same_data_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with DataLock(config.parent):
        assert f"works on {config.parent}" in refused(config, capsys)


def test_a_port_in_use_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((IP, 1143)):
        assert f"{IP}:1143: Address already in use (another program" in refused(config, capsys)


def test_every_mistake_in_the_configuration_is_named_with_its_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = config.read_text().replace("LogLevel: traceauth", "LogLevel: loud").replace("Account: mox", "Acount: mox")
    config.write_text(text)
    shown = refused(config, capsys)
    lines = text.splitlines()
    for mistake in ("LogLevel: loud", "\tAcount: mox"):
        assert f"mox.conf:{lines.index(mistake) + 1}: " in shown
    assert "Traceback" not in shown


def test_a_resolver_that_makes_no_sense_is_named(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOX_RESOLVER", "nowhere")
    assert run(config, localserve_address=localserve.ADDRESS) == 1
    assert "MOX_RESOLVER must be IP:PORT" in capsys.readouterr().err
