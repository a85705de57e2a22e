"""How each thing that is watched is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.config.live import Live
from app.errors import Temporary
from app.net.resolver import Resolver
from app.operations.dkimrotation import Rotations
from app.operations.status import certificates, outside, report, server
from app.operations.status.finding import Finding, Sources, Subject
from app.operations.status.machine import disk_finding, memory
from app.store import queuedb
from app.store.accounts import Accounts
from app.store.looks import Grade, Seen
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.serverdb import ServerDb
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.support.clock import SetClock
from tests.support.configuration import MOX_CONF, write_configuration

NOW = 1_800_000_000.0
DAY = 86400.0
PUBLIC = MOX_CONF.replace(
    "\t\t\t- 127.0.0.1\n", "\t\t\t- 192.0.2.1\n\t\tSMTP:\n\t\t\tEnabled: true\n\t\t\tNoSTARTTLS: true\n"
)


class Made:
    """The objects of a server, without its ports."""

    def __init__(self, directory: Path, mox_conf: str = MOX_CONF) -> None:
        self.clock = SetClock(NOW)
        live = Live.open(write_configuration(directory, mox_conf), files=False)
        (live.data_dir).mkdir(exist_ok=True)
        self.server = ServerDb.open(live.data_dir, self.clock)
        self.queue = QueueDb.open(live.data_dir, self.clock)
        accounts, resolver = Accounts(live.data_dir), Resolver([])
        self.sources = Sources(
            live=live,
            accounts=accounts,
            queue=self.queue,
            server=self.server,
            rotations=Rotations(live, self.server.rotations, resolver, self.clock),
            clock=self.clock,
        )

    def close(self) -> None:
        """Close what is open."""
        for one in (self.server, self.queue, self.sources.accounts):
            one.close()


def about(found: Sequence[Finding], subject: Subject) -> list[Grade]:
    """The grades of a subject, the worst first."""
    grades = [one.grade for one in found if one.subject is subject]
    return sorted(grades, key=lambda one: -one.badness)


def test_a_quiet_server_is_fine_in_every_part(tmp_path: Path) -> None:
    made = Made(tmp_path)
    try:
        status = asyncio.run(report.status_of(made.sources))
    finally:
        made.close()
    assert status.grade is Grade.FINE, [one for one in status.findings if one.grade is not Grade.FINE]
    known = {one.subject for one in status.findings}
    quiet = {Subject.CERTIFICATES, Subject.DNS, Subject.BLOCK_LISTS, Subject.BACKUP}  # of a server that others reach
    assert known == set(Subject) - quiet


@pytest.mark.parametrize(
    ("rest", "told"), [(None, "cannot be read"), (b"", "is empty"), (b"x" * 5000, "is no database")]
)
def test_database_that_cannot_be_used_is_told(tmp_path: Path, rest: bytes | None, told: str) -> None:
    made = Made(tmp_path)
    try:
        made.sources.accounts.open_now("jane").close()
        database = made.sources.live.data_dir / "accounts" / "jane" / "index.db"
        database.unlink() if rest is None else database.write_bytes(rest)
        (found,) = asyncio.run(server.data(made.sources))
    finally:
        made.close()
    assert (found.grade, f"accounts/jane/index.db {told}" in found.text) == (Grade.ACT, True)


def test_mail_that_is_due_and_not_tried_needs_somebody(tmp_path: Path) -> None:
    made = Made(tmp_path)

    async def check() -> None:
        to = parse_address("a@elsewhere.example")
        recipients = (NewRecipient(path=to),)
        new = NewMessage(sender_account="jane", reverse_path=to, recipients=recipients, body=Body.of(b"x\r\n"))
        await made.queue.add(new)
        assert about((await report.status_of(made.sources)).findings, Subject.QUEUE) == [Grade.FINE]
        made.clock.time += 2 * 3600
        assert about((await report.status_of(made.sources)).findings, Subject.QUEUE) == [Grade.ACT, Grade.FINE]

    try:
        asyncio.run(check())
    finally:
        made.close()


def test_runs_that_did_not_end_in_order_are_told_until_a_day_later(tmp_path: Path) -> None:
    made = Made(tmp_path)

    async def grades() -> list[Grade]:
        return about(await server.runs(made.sources), Subject.SERVER)

    async def check() -> None:
        await made.server.runs.begin("1")
        assert await grades() == [Grade.FINE]
        for expected in (Grade.LOOK, Grade.LOOK, Grade.ACT):  # each start finds the one before without an end
            await made.server.runs.begin("1")
            assert (await grades())[0] is expected
        made.clock.time += 2 * DAY
        assert await grades() == [Grade.FINE]

    try:
        asyncio.run(check())
    finally:
        made.close()


def test_what_lookout_saw_and_when_is_told(tmp_path: Path) -> None:
    made = Made(tmp_path, PUBLIC)

    async def check() -> None:
        assert {one.grade for one in await outside.looks(made.sources)} == {Grade.UNKNOWN}
        seen = Seen(thing="example.com", grade=Grade.ACT, text="MX is missing.")
        await made.server.looks.note(outside.DNS_LOOKS, [seen])
        made.clock.time += 3 * 3600
        found = {one.subject: one for one in await outside.looks(made.sources)}
        assert found[Subject.DNS].grade is Grade.ACT
        assert "MX is missing. Seen 3 hours ago." in found[Subject.DNS].text
        assert found[Subject.BLOCK_LISTS].grade is Grade.UNKNOWN
        assert any("dns example.com" in one.what for one in await report.changes(made.sources))

    try:
        asyncio.run(check())
    finally:
        made.close()


def test_copies_from_before_an_upgrade_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Made(tmp_path).close()
    monkeypatch.setattr(queuedb, "MIGRATIONS", (*queuedb.MIGRATIONS, "CREATE TABLE more (n INTEGER)"))
    made = Made(tmp_path)
    try:
        found = asyncio.run(server.data(made.sources))
    finally:
        made.close()
    (told,) = [one.text for one in found if one.title == "The last upgrade can be undone"]
    assert told.startswith("1 copy of databases from before the upgrade ")


def test_a_part_that_fails_or_hangs_does_not_take_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(sources: Sources) -> Sequence[Finding]:
        raise Temporary("the disk is gone")

    async def hangs(sources: Sources) -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(report, "_SLOW", ((Subject.DISK, fails), (Subject.JUNK, hangs)))
    monkeypatch.setattr(report, "PART_S", 0.2)
    made = Made(tmp_path)
    try:
        status = asyncio.run(report.status_of(made.sources))
    finally:
        made.close()
    assert any("the disk is gone" in one.text for one in status.findings)
    assert any("not found out within" in one.text for one in status.findings)
    assert len(status.findings) > 2


@dataclass(frozen=True)
class Named:
    name: str
    is_host: bool


@dataclass(frozen=True)
class Ending:
    ends: float


@dataclass(frozen=True)
class Failed:
    error: str = "refused"


@dataclass(frozen=True)
class Coming:
    wanted: Named
    kept: Ending | None
    failed: Failed | None
    is_under_way: bool = False


@pytest.mark.parametrize(
    ("is_host", "ends", "failed", "grade"),
    [
        (True, 30 * DAY, None, Grade.FINE),
        (True, 30 * DAY, Failed(), Grade.LOOK),
        (True, -DAY, Failed(), Grade.ACT),
        (True, None, Failed(), Grade.ACT),
        (False, None, Failed(), Grade.LOOK),
        (True, None, None, Grade.FINE),
    ],
)
def test_certificates_that_come_by_themselves(
    is_host: bool, ends: float | None, failed: Failed | None, grade: Grade
) -> None:
    kept = Ending(NOW + ends) if ends is not None else None
    coming = Coming(wanted=Named("mx.example.com", is_host), kept=kept, failed=failed)
    assert certificates._coming(coming, NOW).grade is grade


@pytest.mark.parametrize(
    ("free", "total", "grade"),
    [
        (50 << 30, 100 << 30, Grade.FINE),
        (3 << 30, 100 << 30, Grade.FINE),
        (1 << 30, 100 << 30, Grade.LOOK),
        (1 << 30, 8 << 30, Grade.FINE),
        (100 << 20, 100 << 30, Grade.ACT),
    ],
)
def test_room_on_the_disk(free: int, total: int, grade: Grade) -> None:
    assert disk_finding(free, total).grade is grade


@pytest.mark.parametrize(("available", "grades"), [(900_000, [Grade.FINE]), (10_000, [Grade.LOOK]), (None, [])])
def test_memory_as_linux_tells_it(tmp_path: Path, available: int | None, grades: list[Grade]) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tmox\nVmRSS:\t  61234 kB\n")
    line = f"MemAvailable: {available} kB\n" if available is not None else ""
    (tmp_path / "meminfo").write_text(f"MemTotal:  1000000 kB\n{line}HugePages_Total: 0\n")
    assert [one.grade for one in memory(tmp_path)] == grades
