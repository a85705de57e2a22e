"""Replacing the DKIM keys of a domain: every phase, what moves it, and what a killed server leaves."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.dynamic import ConfigDomain, Dkim, Selector
from app.config.live import Live
from app.errors import Refusal
from app.net.authority import Outcome, Said
from app.operations import dkimselectors
from app.operations.dkimrotation import RETIRE_S, SETTLE_S, Phase, Presence, Progress, Rotations, phase
from app.store.dkimrotations import Rotation
from app.store.serverdb import ServerDb
from app.trust.lookup import Answer, LookupFailed
from app.wire.domain import Domain
from tests.support.clock import SetClock
from tests.support.configuration import small_live

DOMAIN = Domain("example.com")
NOW = 1_800_000_000.0
DAY_S = 86400.0


class Dns:
    """TXT records that are published, by name."""

    def __init__(self) -> None:
        self.records: dict[str, list[bytes]] = {}
        self.late: set[str] = set()
        self.is_down = False

    async def ask(self, name: str, kind: str) -> list[Said]:
        """As two name servers of the zone, one of which is behind."""
        if self.is_down:
            return [Said(server="ns1", outcome=Outcome.NO_ANSWER)]
        records = self.records.get(name, [])
        behind = [] if name in self.late else records
        return [_said("ns1", records), _said("ns2", behind), Said(server="ns3", outcome=Outcome.NO_ANSWER)]

    def close(self) -> None:
        pass

    async def txt(self, name: str) -> Answer[bytes]:
        raise LookupFailed(name, "TXT", "no answer")


def _said(server: str, records: list[bytes]) -> Said:
    outcome = Outcome.RECORDS if records else Outcome.NO_NAME
    return Said(server=server, outcome=outcome, records=tuple(one.decode() for one in records))


class Bench:
    """A domain with two old keys that sign."""

    def __init__(self, directory: Path) -> None:
        self.live: Live = small_live(directory)
        self.clock = SetClock(NOW)
        self.dns = Dns()
        self.db = ServerDb.open(self.live.data_dir, self.clock)
        self.restart()
        asyncio.run(self._prepare())

    def restart(self) -> None:
        """As after a kill: nothing is known but what was written."""
        self.rotations = Rotations(self.live, self.db.rotations, self.dns, self.clock, lambda _: self.dns)  # type: ignore

    async def _prepare(self) -> None:
        await self.rotations.start(DOMAIN)
        await self.publish()
        await self.rotations.check(DOMAIN)
        await self.rotations.switch(DOMAIN)
        assert await self.rotations.find(DOMAIN) is None, "there were no keys before, so nothing is to be retired"
        self.old = self.sign
        assert len(self.old) == 2
        self.clock.time += DAY_S

    @property
    def dkim(self) -> Dkim:
        found = self.live.dynamic.domains[DOMAIN].dkim
        assert found is not None
        return found

    @property
    def sign(self) -> tuple[str, ...]:
        return self.dkim.sign

    async def publish(self) -> None:
        (one,) = await self.rotations.all()
        for record in await self.rotations.records(one.rotation, one.rotation.new):
            self.dns.records[record.name] = [record.content.replace("p=", "p= ").encode()]

    async def look(self, seconds: float = 0.0) -> Progress | None:
        self.clock.time += seconds
        return await self.rotations.check(DOMAIN)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.db.close()


def test_from_new_keys_to_the_end_without_a_hand(bench: Bench) -> None:
    async def scenario() -> None:
        started = await bench.rotations.start(DOMAIN)
        new, old = started.rotation.new, bench.old
        assert (started.phase, started.rotation.old) == (Phase.WAITING, old)
        assert bench.sign == old
        assert {name: bench.dkim.selectors[name] for name in new}
        looked = await bench.look()
        assert looked is not None
        assert (looked.phase, set(looked.records.values())) == (Phase.WAITING, {Presence.MISSING})
        await bench.publish()
        looked = await bench.look()
        assert looked is not None
        assert (looked.phase, set(looked.records.values())) == (Phase.SEEN, {Presence.RIGHT})
        assert looked.switches == bench.clock.time + SETTLE_S
        await bench.look(SETTLE_S - 1)
        assert bench.sign == old
        looked = await bench.look(1)
        assert looked is not None
        assert (looked.phase, bench.sign) == (Phase.RETIRING, new)
        assert set(old) < set(bench.dkim.selectors), "their records must stay known"
        looked = await bench.look(RETIRE_S)
        assert looked is not None
        assert looked.phase is Phase.REMOVABLE
        for name in old:
            assert bench.dns.records.pop(f"{name}._domainkey.example.com")
        assert await bench.look() is None
        assert tuple(bench.dkim.selectors) == new
        assert await bench.rotations.all() == []

    asyncio.run(scenario())


def test_every_name_server_must_have_it(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rotations.start(DOMAIN)
        await bench.publish()
        bench.dns.late.add(name := next(reversed(bench.dns.records)))
        looked = await bench.look()
        assert looked is not None
        assert (looked.phase, looked.records[name.partition(".")[0]]) == (Phase.WAITING, Presence.MISSING)
        bench.dns.late.clear()
        looked = await bench.look()
        assert looked is not None
        assert looked.phase is Phase.SEEN

    asyncio.run(scenario())


def test_a_record_that_goes_again_stops_it(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rotations.start(DOMAIN)
        await bench.publish()
        await bench.look()
        name = next(reversed(bench.dns.records))
        kept = bench.dns.records.pop(name)
        looked = await bench.look(SETTLE_S)
        assert looked is not None
        assert looked.phase is Phase.WAITING
        bench.dns.records[name] = [b"v=DKIM1; p=AAAA"]
        looked = await bench.look()
        assert looked is not None
        assert Presence.OTHER in looked.records.values()
        bench.dns.records[name] = kept
        await bench.look()
        bench.dns.is_down = True
        looked = await bench.look(SETTLE_S)
        assert looked is not None
        assert (looked.phase, bench.sign) == (Phase.SEEN, bench.old), "nobody switches blindly"
        bench.dns.is_down = False
        await bench.look()
        assert bench.sign != bench.old

    asyncio.run(scenario())


def test_what_is_too_early_is_refused_with_the_reason(bench: Bench) -> None:
    async def scenario() -> None:
        for refused in (bench.rotations.switch, bench.rotations.undo, bench.rotations.finish):
            with pytest.raises(Refusal, match="keys of example"):
                await refused(DOMAIN)
        await bench.rotations.start(DOMAIN)
        with pytest.raises(Refusal, match="being replaced already"):
            await bench.rotations.start(DOMAIN)
        with pytest.raises(Refusal, match="not seen in DNS yet"):
            await bench.rotations.switch(DOMAIN)
        with pytest.raises(Refusal, match="does not fit"):
            await bench.rotations.finish(DOMAIN)
        await bench.publish()
        await bench.rotations.switch(DOMAIN)
        with pytest.raises(Refusal, match="may still need the old records, until 20"):
            await bench.rotations.finish(DOMAIN)
        bench.clock.time += RETIRE_S
        await bench.rotations.finish(DOMAIN)
        assert not set(bench.old) & set(bench.dkim.selectors)

    asyncio.run(scenario())


def test_each_step_can_be_taken_back(bench: Bench) -> None:
    async def scenario() -> None:
        before = bench.dkim
        first = await bench.rotations.start(DOMAIN)
        await bench.rotations.undo(DOMAIN)
        assert bench.dkim == before
        assert await bench.rotations.all() == []
        again = await bench.rotations.start(DOMAIN)
        assert not set(again.rotation.new) & set(first.rotation.new), "the first ones may be in DNS still"
        await bench.publish()
        await bench.rotations.switch(DOMAIN)
        new = bench.sign
        await bench.rotations.undo(DOMAIN)
        assert bench.sign == bench.old
        looked = await bench.look(5 * SETTLE_S)
        assert looked is not None
        assert (looked.phase, looked.switches, bench.sign) == (Phase.SEEN, 0.0, bench.old), "it waits for a person"
        await bench.rotations.switch(DOMAIN)
        assert bench.sign == new

    asyncio.run(scenario())


def test_keys_that_somebody_else_signs_with_stay(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rotations.start(DOMAIN)
        await bench.publish()
        dkimselectors.add_selector(
            bench.live, dkimselectors.SelectorOf(DOMAIN, "extra"), dkimselectors.Algorithm.ED25519, NOW
        )
        dkimselectors.set_signing_selectors(bench.live, DOMAIN, [*bench.old, "extra"])
        await bench.rotations.switch(DOMAIN)
        assert bench.sign[0] == "extra"
        assert not set(bench.sign) & set(bench.old)

    asyncio.run(scenario())


def test_it_ends_when_the_new_keys_are_taken_out_by_hand(bench: Bench) -> None:
    async def scenario() -> None:
        started = await bench.rotations.start(DOMAIN)
        dkimselectors.remove_selector(bench.live, dkimselectors.SelectorOf(DOMAIN, started.rotation.new[0]))
        assert await bench.rotations.find(DOMAIN) is None
        assert await bench.look() is None
        assert await bench.db.rotations.all() == []

    asyncio.run(scenario())


def test_a_kill_between_two_writes_leaves_a_state_to_go_on_from(bench: Bench) -> None:
    async def scenario() -> None:
        noted = Rotation(domain="example.com", new=("never",), old=bench.old, started=NOW)
        await bench.db.rotations.save(noted)  # and killed before the keys were made
        bench.restart()
        assert await bench.look() is None
        started = await bench.rotations.start(DOMAIN)
        await bench.publish()
        await bench.look()
        new = started.rotation.new
        dkimselectors.set_signing_selectors(bench.live, DOMAIN, new)  # and killed before that was noted
        bench.restart()
        looked = await bench.look()
        assert looked is not None
        assert (looked.phase, looked.rotation.switched) == (Phase.RETIRING, bench.clock.time)
        await bench.look(RETIRE_S)
        for name in bench.old:
            dkimselectors.remove_selector(bench.live, dkimselectors.SelectorOf(DOMAIN, name))  # and killed
        bench.restart()
        assert await bench.look() is None
        assert await bench.db.rotations.all() == []

    asyncio.run(scenario())


KEY = Selector(private_key_file="x")
ROTATION = Rotation(domain="example.com", new=("n",), old=("o",), started=1.0)


@pytest.mark.parametrize(
    ("selectors", "sign", "values", "expected"),
    [
        ("on", "o", {}, Phase.WAITING),
        ("on", "o", {"seen": 5.0}, Phase.SEEN),
        ("on", "", {"seen": 5.0}, Phase.SEEN),
        ("on", "n", {"switched": NOW - 5}, Phase.RETIRING),
        ("on", "n", {}, Phase.RETIRING),
        ("on", "n", {"switched": NOW - RETIRE_S}, Phase.REMOVABLE),
        ("on", "no", {"switched": 5.0}, Phase.OVER),
        ("n", "n", {"switched": 5.0}, Phase.OVER),
        ("o", "o", {"seen": 5.0}, Phase.OVER),
        ("on", "n", {"old": (), "switched": 5.0}, Phase.OVER),
    ],
)
def test_the_phase_follows_from_the_configuration(
    selectors: str, sign: str, values: dict[str, object], expected: Phase
) -> None:
    config = ConfigDomain(dkim=Dkim(selectors=dict.fromkeys(selectors, KEY), sign=tuple(sign)))
    rotation = dataclasses.replace(ROTATION, **values)  # type: ignore[arg-type]
    assert phase(rotation, config, NOW) is expected
    assert phase(rotation, None, NOW) is Phase.OVER
