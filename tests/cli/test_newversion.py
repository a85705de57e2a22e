"""`checkupdate` and the daily look: asked of DNS, told in words, and nothing else happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app import VERSION
from app.cli.main import main
from app.clock import SYSTEM
from app.config.live import Live
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.operations import newversion
from app.operations.lookout import Lookout
from app.store.looks import Grade, Look
from app.store.serverdb import ServerDb
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, write_configuration
from tests.support.dns import DnsServer, Zone

ZONE: Zone = {
    "_updates.new.example": {"TXT": ["v=UPDATES0; l=v99.0.1"]},
    "_updates.same.example": {"TXT": [f"v=UPDATES0; l=v{VERSION}"]},
    "_updates.broken.example": {"TXT": ["v=UPDATES0; l=soon"]},
    "_updates.silent.example": {"RCODE": "SERVFAIL"},
}


@pytest.mark.parametrize(
    ("domain", "code", "told"),
    [
        ("new.example", 0, f"mox 99.0.1 is newer than this, mox {VERSION}"),
        ("same.example", 0, f"{VERSION} is the newest that is announced"),
        ("broken.example", 1, "does not say which version is the newest"),
        ("nobody.example", 1, "there is no record that announces versions"),
        ("silent.example", 1, "cannot look up"),
    ],
)
def test_command_tells(
    domain: str, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with DnsServer(ZONE) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        assert main(["checkupdate", domain]) == code
    found = capsys.readouterr()
    assert told in found.out + found.err


def test_copy_that_does_not_know_where_versions_are_announced_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkupdate"]) == 1
    assert "look where you got it" in capsys.readouterr().err
    seen = asyncio.run(newversion.seen_newest(Resolver([]), ""))
    assert seen.grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("domain", "grade"),
    [
        ("new.example", Grade.LOOK),
        ("same.example", Grade.FINE),
        ("broken.example", Grade.UNKNOWN),
        ("silent.example", Grade.UNKNOWN),
    ],
)
def test_answer_is_told_by_how_much_it_matters(domain: str, grade: Grade) -> None:
    async def ask() -> Grade:
        resolver = Resolver([Server("127.0.0.1", server.port)])
        try:
            return (await newversion.seen_newest(resolver, domain)).grade
        finally:
            resolver.close()

    with DnsServer(ZONE) as server:
        assert asyncio.run(ask()) is grade


async def looked(live: Live) -> list[Look]:
    server = ServerDb.open(live.data_dir)
    resolver = Resolver([])
    try:
        await Lookout(live, server.looks, resolver, SYSTEM).look_for_version()
        return list(await server.looks.all())
    finally:
        resolver.close()
        server.close()


def test_nobody_is_asked_unless_the_setting_says_so_and_the_last_answer_goes_with_it(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, MOX_CONF + "CheckUpdates: true\n", DOMAINS_CONF)
    assert [one.subject for one in asyncio.run(looked(Live.open(path, files=False)))] == ["version"]
    write_configuration(tmp_path)
    assert asyncio.run(looked(Live.open(path, files=False))) == []
