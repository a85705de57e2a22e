"""When certificates are asked for, and what a failure does to the times and to other names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.certificates import upkeep as upkeep_module
from app.certificates.challenges import Challenges
from app.certificates.faultwords import NotIssued
from app.certificates.files import CertificateFiles, Kept
from app.certificates.names import Wanted
from app.certificates.upkeep import ABSENT_WAIT_S, ASK_ARI_S, LOOK_S, Upkeep, Ways
from app.config.live import Live
from app.errors import Temporary
from app.net.selfsigned import make_self_signed
from app.store.serverdb import ServerDb
from tests.certificates.test_certificates import DAY_S, MOX_CONF, NOW
from tests.support.clock import SetClock

DOMAINS_CONF = """Domains:
	example.org: nil
Accounts:
	jane:
		Domain: example.org
		Destinations:
			jane@example.org: nil
"""
HOST = "mx.example.org"


@dataclass
class _Found:
    records: list[str]


@dataclass
class Authority:
    """What the network and the authority do, instead of them."""

    files: CertificateFiles
    clock: SetClock
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    wish: float | None = None
    wishes_asked: int = 0

    async def addresses(self, name: str) -> _Found:
        return _Found([] if name in self.absent else ["192.0.2.1"])

    def obtain(self, one: Wanted, failures: int) -> Kept:
        self.asked.append(one.name)
        if self.error is not None:
            raise self.error
        made = make_self_signed([one.name], self.clock.time, days=90)
        self.wish = None  # it was about the certificate before
        return self.files.put(one.authority, one.name, made.key, made.certificate)

    def ask_wish(self, one: Wanted, chain: bytes) -> float | None:
        self.wishes_asked += 1
        return self.wish


@dataclass
class Made:
    upkeep: Upkeep
    authority: Authority
    clock: SetClock
    server: ServerDb
    names: list[str]

    def pass_time(self, seconds: float, step: float = LOOK_S) -> None:
        """Look as often as it would."""

        async def looks() -> None:
            end = self.clock.time + seconds
            while self.clock.time < end:
                await self.upkeep._look()
                self.clock.time += step

        asyncio.run(looks())

    def failed(self, name: str = HOST) -> tuple[int, float]:
        """How often, and how long until the next time."""
        (one,) = (one for one in asyncio.run(self.server.certificates.all()) if one.name == name)
        return one.count, one.next - one.last


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    (tmp_path / "mox.conf").write_text(MOX_CONF)
    (tmp_path / "domains.conf").write_text(DOMAINS_CONF)
    live, clock = Live.open(tmp_path / "mox.conf", files=False), SetClock(NOW)
    server = ServerDb.open(live.data_dir, clock)
    authority = Authority(CertificateFiles(live.data_dir), clock)
    upkeep = Upkeep(live, server.certificates, Ways(resolver=authority, challenges=Challenges(clock)), clock)  # type: ignore[arg-type]
    upkeep.serve({"small": []})
    monkeypatch.setattr(upkeep, "_obtain", authority.obtain)
    monkeypatch.setattr(upkeep, "_wish", authority.ask_wish)
    yield Made(upkeep, authority, clock, server, [one.name for one in upkeep._wanted()])
    server.close()


def test_each_name_is_asked_for_once_and_again_when_it_is_due(made: Made) -> None:
    made.pass_time(30 * DAY_S, step=3600)
    assert made.authority.asked == made.names
    made.pass_time(31 * DAY_S, step=3600)
    assert sorted(made.authority.asked) == sorted(2 * made.names)


@pytest.mark.parametrize("error", [Temporary("disk full"), ValueError("odd"), OSError("gone"), NotIssued("no")])
def test_whatever_fails_waits_and_keeps_no_other_name_away(made: Made, error: Exception) -> None:
    made.authority.error = error
    made.pass_time(3600)
    assert made.authority.asked == 3 * made.names, "after 0, 15 and 45 minutes"
    assert made.failed() == (3, 3600.0)


def test_name_that_comes_into_dns_late_does_not_wait_longer_for_that(made: Made) -> None:
    made.authority.absent = set(made.names)
    made.pass_time(DAY_S)
    assert made.authority.asked == []
    assert made.failed() == (0, ABSENT_WAIT_S)
    made.authority.absent, made.authority.error = set(), NotIssued("no")
    made.pass_time(ABSENT_WAIT_S + LOOK_S)
    assert made.failed() == (1, 900.0)


def test_what_cannot_be_read_is_not_asked_for_anew(made: Made) -> None:
    made.pass_time(LOOK_S)
    made.authority.asked.clear()
    made.upkeep._kept.clear()
    (path,) = made.authority.files._directory.rglob(HOST)
    path.rename(path.with_name("aside"))
    path.mkdir()
    made.pass_time(LOOK_S)
    assert made.authority.asked == []
    assert made.failed() == (1, 900.0)
    path.rmdir()
    path.with_name("aside").rename(path)
    made.pass_time(900 + LOOK_S)
    assert made.authority.asked == []
    assert asyncio.run(made.server.certificates.all()) == []


def test_authority_may_want_a_certificate_renewed_earlier_and_only_a_little_later(made: Made) -> None:
    made.pass_time(LOOK_S)
    made.authority.asked.clear()
    made.authority.wish = NOW + 200 * DAY_S  # long after the end
    made.pass_time(80 * DAY_S, step=3600)
    assert made.authority.asked == []
    assert 70 * len(made.names) < made.authority.wishes_asked <= 80 * len(made.names)
    made.pass_time(2 * DAY_S, step=3600)
    assert made.authority.asked == made.names
    made.authority.wish = made.clock.time + DAY_S
    made.pass_time(ASK_ARI_S + 2 * 3600, step=3600)
    assert made.authority.asked == 2 * made.names


def test_room_for_a_certificate_is_looked_for_before_it_is_ordered(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    folder = made.authority.files._directory
    folder.mkdir()
    (folder / "keycerts").write_text("no directory")
    monkeypatch.setattr(upkeep_module.Upkeep, "_authority", lambda *_: pytest.fail("was asked"))
    made.pass_time(LOOK_S)
    assert made.failed() == (1, 900.0)
