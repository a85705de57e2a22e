"""The configuration for developers is made once and used again."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from app import localserve
from app.config.live import Live
from app.errors import Refusal


def test_it_loads_and_has_the_ports_and_the_account(tmp_path: Path) -> None:
    live = Live.open(localserve.prepare(tmp_path / "new"))
    listener = live.static.listeners["local"]
    services = (listener.smtp, listener.submission, listener.submissions, listener.imap, listener.imaps)
    assert [service.port for service in services if service] == [1025, 1587, 1465, 1143, 1993]
    assert [str(ip) for ip in listener.ips] == ["127.0.0.1", "::1"]
    assert live.directory.login_account("mox@localhost") is not None
    assert [selector.name for selector in live.selectors(localserve.LOCALHOST)] == ["localserve"]
    assert live.data_dir == tmp_path / "new"


def test_what_is_there_is_used_again(tmp_path: Path) -> None:
    path = localserve.prepare(tmp_path / "new", ipaddress.ip_address("127.0.0.9"))
    before = {file: file.read_bytes() for file in (tmp_path / "new").rglob("*") if file.is_file()}
    assert localserve.prepare(tmp_path / "new") == path
    assert {file: file.read_bytes() for file in (tmp_path / "new").rglob("*") if file.is_file()} == before
    assert [str(ip) for ip in Live.open(path).static.listeners["local"].ips] == ["127.0.0.9"]


def test_a_directory_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Refusal, match="-dir"):
        localserve.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_wish_for_another_address_is_refused_and_says_what_to_do(tmp_path):
    localserve.prepare(tmp_path, ipaddress.ip_address("127.0.0.7"))
    localserve.prepare(tmp_path, ipaddress.ip_address("127.0.0.7"))
    with pytest.raises(Refusal, match=r"listens on 127\.0\.0\.7; edit it there, or give a new directory"):
        localserve.prepare(tmp_path, ipaddress.ip_address("127.0.0.8"))
