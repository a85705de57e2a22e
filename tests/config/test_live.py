"""The configuration of a running server: a changed file is taken wholly or not at all, and a change loses nothing."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import log
from app.config.dynamic import Account, Destination, Dynamic
from app.config.live import Live
from app.errors import ConfigError, Temporary
from app.wire.smtp.address import parse_address
from tests.support.clock import StoppedClock

GOOD = Path(__file__).resolve().parent.parent / "data" / "config" / "good"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(0.0)


@pytest.fixture
def live(tmp_path: Path, clock: StoppedClock) -> Live:
    for name in ("mox.conf", "domains.conf"):
        (tmp_path / name).write_bytes((GOOD / name).read_bytes())
    return Live.open(tmp_path / "mox.conf", files=False, clock=clock)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []
    before = log.SETTINGS.write
    log.SETTINGS.write = lines.append
    yield lines
    log.SETTINGS.write = before


def rewrite(live: Live, old: str, new: str) -> None:
    path = live.domains_path
    path.write_text(path.read_text().replace(old, new))


def with_address(key: str):
    def edit(dynamic: Dynamic) -> Dynamic:
        jane = dynamic.accounts["jane"]
        jane = dataclasses.replace(jane, destinations={**jane.destinations, key: Destination()})
        return dataclasses.replace(dynamic, accounts={**dynamic.accounts, "jane": jane})

    return edit


def test_a_changed_file_is_seen_within_a_second(live: Live, clock: StoppedClock, logged: list[str]) -> None:
    rewrite(live, "jane@example.org: nil", "jane@example.org: nil\n\t\t\tnew@example.org: nil")
    clock.time = 0.9
    assert live.directory.find(parse_address("new@example.org")) is None
    clock.time = 1.0
    assert live.directory.find(parse_address("new@example.org")) is not None


def test_a_wrong_file_changes_nothing_and_is_reported_once(live: Live, clock: StoppedClock, logged: list[str]) -> None:
    before = live.dynamic
    rewrite(live, "Domain: example.org", "Domain: example.net\n\t\tUnknown: 1")
    for clock.time in (1.0, 2.0, 3.0):
        assert live.dynamic is before
    assert len([line for line in logged if "l=error" in line]) == 2
    rewrite(live, "\n\t\tUnknown: 1", "")
    rewrite(live, "example.net", "example.org")
    clock.time = 4.0
    assert live.dynamic == before
    assert live.dynamic is not before


def test_a_file_that_is_gone_for_a_moment_changes_nothing(live: Live, clock: StoppedClock, logged: list[str]) -> None:
    data = live.domains_path.read_bytes()
    live.domains_path.unlink()
    clock.time = 1.0
    assert "jane" in live.dynamic.accounts
    live.domains_path.write_bytes(data)
    clock.time = 2.0
    assert "jane" in live.dynamic.accounts


def test_opening_reports_the_problems_of_both_files(tmp_path: Path) -> None:
    (tmp_path / "mox.conf").write_bytes((GOOD / "mox.conf").read_bytes() + b"A: 1\n")
    (tmp_path / "domains.conf").write_bytes((GOOD / "domains.conf").read_bytes() + b"B: 1\n")
    with pytest.raises(ConfigError) as raised:
        Live.open(tmp_path / "mox.conf", files=False)
    assert [problem.file for problem in raised.value.problems] == ["mox.conf", "domains.conf"]


def test_a_change_keeps_all_other_bytes_and_the_previous_file(live: Live) -> None:
    rewrite(live, "\t\t\tjane@", "\n\t\t\t# from the start\n\t\t\tjane@")
    before = live.domains_path.read_text()
    live.change(with_address("zoe@example.org"))
    assert live.domains_path.read_text() == before + "\t\t\tzoe@example.org: nil\n"
    assert live.domains_path.with_name("domains.conf.previous").read_text() == before
    assert live.directory.find(parse_address("zoe@example.org")) is not None
    assert sorted(path.name for path in live.config_dir.iterdir()) == [
        "domains.conf",
        "domains.conf.previous",
        "history",
        "mox.conf",
    ]


def test_a_change_starts_from_the_file_and_not_from_memory(live: Live) -> None:
    rewrite(live, "jane@example.org: nil", "jane@example.org: nil\n\t\t\tby-hand@example.org: nil")
    live.change(with_address("zoe@example.org"))
    assert set(live.dynamic.accounts["jane"].destinations) == {
        "jane@example.org",
        "by-hand@example.org",
        "zoe@example.org",
    }


def test_a_change_that_would_be_wrong_writes_nothing(live: Live) -> None:
    before = live.domains_path.read_bytes()
    with pytest.raises(ConfigError) as raised:
        live.change(with_address("zoe@example.net"))
    assert [problem.path for problem in raised.value.problems] == ["Accounts.jane.Destinations.zoe@example.net"]
    assert live.domains_path.read_bytes() == before
    assert not live.domains_path.with_name("domains.conf.previous").exists()


def test_a_wrong_file_is_never_overwritten(live: Live) -> None:
    rewrite(live, "Accounts:", "Accounts:\n\tbroken: 1")
    before = live.domains_path.read_bytes()
    with pytest.raises(ConfigError):
        live.change(with_address("zoe@example.org"))
    assert live.domains_path.read_bytes() == before


def test_what_the_format_cannot_say_is_refused(live: Live) -> None:
    with pytest.raises(ConfigError):
        live.change(lambda dynamic: dataclasses.replace(dynamic, accounts={}, domains={}))
    with pytest.raises(ConfigError):
        live.change(
            lambda dynamic: dataclasses.replace(
                dynamic,
                accounts={**dynamic.accounts, "x": Account(domain="example.org", description="two\nlines")},
            )
        )


def test_mode_of_the_file_stays(live: Live) -> None:
    live.domains_path.chmod(0o640)
    live.change(with_address("zoe@example.org"))
    assert stat.S_IMODE(live.domains_path.stat().st_mode) == 0o640


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_failing_disk_leaves_the_old_file(live: Live, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    before = live.domains_path.read_bytes()

    def fail(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((Path, "replace", fail) if call == "rename" else (os, call, fail)))
    with pytest.raises(Temporary):
        live.change(with_address("zoe@example.org"))
    assert live.domains_path.read_bytes() == before
    assert "zoe@example.org" not in live.dynamic.accounts["jane"].destinations


def test_paths_are_relative_to_the_files(live: Live) -> None:
    assert live.data_dir == live.config_dir.parent / "data"
    assert live.resolve("/etc/x") == Path("/etc/x")
