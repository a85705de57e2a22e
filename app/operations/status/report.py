"""The whole status: what every part found, the worst first, and what changed lately.

status = await status_of(sources)
print(status.grade.value, *status.findings)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from app.config.history import Version
from app.config.loading import DOMAINS_CONF
from app.errors import MailError
from app.operations.status import backups, certificates, configuration, machine, mail, outside, server
from app.operations.status.finding import Finding, Page, Sources, Subject
from app.store.looks import Grade, Look
from app.store.runs import Run

MOX_CONF: Final = "mox.conf"
PART_S: Final = 5.0
MAX_CHANGES: Final = 20
CHANGED_S: Final = 90 * 86400.0

Part: TypeAlias = Callable[[Sources], Awaitable[Sequence[Finding]]]

_QUICK: Final[tuple[tuple[Subject, Part], ...]] = (
    (Subject.SERVER, server.runs),
    (Subject.CONFIGURATION, configuration.configuration),
    (Subject.CERTIFICATES, certificates.certificates),
    (Subject.DNS, outside.looks),
    (Subject.QUEUE, mail.queue),
    (Subject.DISK, machine.machine),
    (Subject.DATA, server.data),
    (Subject.BACKUP, backups.backups),
    (Subject.SIGN_INS, outside.sign_ins),
    (Subject.REPORTS, outside.reports),
)
_AT_REST: Final[tuple[tuple[Subject, Part], ...]] = (
    (Subject.SERVER, server.at_rest),
    (Subject.CONFIGURATION, configuration.configuration),
    (Subject.CERTIFICATES, certificates.certificates),
    (Subject.QUEUE, mail.queue),
    (Subject.DISK, machine.disk),
    (Subject.DATA, server.data),
    (Subject.BACKUP, backups.backups),
)
_SLOW: Final[tuple[tuple[Subject, Part], ...]] = ((Subject.JUNK, server.junk),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is other than before; `time` in seconds since 1970."""

    time: float
    what: str
    by: str = ""
    page: Page | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the server stands."""

    findings: Sequence[Finding]  # the worst first
    changes: Sequence[Change]  # the newest first

    @property
    def grade(self) -> Grade:
        """That of the worst."""
        return max((one.grade for one in self.findings), key=lambda one: one.badness, default=Grade.FINE)


async def status_of(sources: Sources) -> Status:
    """Everything."""
    findings, changed = await asyncio.gather(_ask([*_QUICK, *_SLOW], sources), changes(sources))
    return Status(findings=findings, changes=changed)


async def status_at_rest(sources: Sources) -> Status:
    """What can be told while no server runs."""
    findings, changed = await asyncio.gather(_ask(_AT_REST, sources), changes(sources))
    return Status(findings=findings, changes=changed)


async def concerns(sources: Sources) -> Sequence[Finding]:
    """What a person should look at, of what can be told at once."""
    return [one for one in await _ask(_QUICK, sources) if one.grade.badness >= Grade.LOOK.badness]


async def _ask(parts: Sequence[tuple[Subject, Part]], sources: Sources) -> Sequence[Finding]:
    found = await asyncio.gather(*(_within(subject, part, sources) for subject, part in parts))
    return sorted((one for some in found for one in some), key=lambda one: -one.grade.badness)


async def _within(subject: Subject, part: Part, sources: Sources) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(PART_S):
            return await part(sources)
    except TimeoutError:
        why = f"This was not found out within {PART_S:.0f} seconds. Try again when the server has less to do."
    except (MailError, OSError) as error:
        why = f"This cannot be found out: {error}"
    return [Finding(subject=subject, grade=Grade.UNKNOWN, title=f"Nothing is known of: {subject.value}", text=why)]


async def changes(sources: Sources) -> Sequence[Change]:
    """The configuration, starts, and what looks found otherwise than before: the newest."""
    live = sources.live
    versions = await asyncio.to_thread(
        lambda: [
            *((DOMAINS_CONF, one) for one in live.history.list()[:MAX_CHANGES]),
            *((MOX_CONF, one) for one in live.static_file.history.list()[:MAX_CHANGES]),
        ]
    )
    found = [_version(file, one) for file, one in versions]
    found += [_start(one) for one in await sources.server.runs.newest(MAX_CHANGES)]
    found += [_turn(one) for one in await sources.server.looks.all()]
    since = sources.clock.now() - CHANGED_S
    return sorted((one for one in found if one.time > since), key=lambda one: -one.time)[:MAX_CHANGES]


def _version(file: str, one: Version) -> Change:
    page = Page(f"/configuration/{file}/history/{one.number}", "What it was")
    return Change(time=one.time, what=f"{file}: {one.what or 'a change'}", by=one.by, page=page)


def _start(one: Run) -> Change:
    broken = "" if one.ended is not None or one.is_present else "; it did not end in an orderly way"
    return Change(time=one.started, what=f"The server was started, version {one.version}{broken}")


def _turn(one: Look) -> Change:
    return Change(time=one.since, what=f"{one.subject} {one.thing}: {one.grade.value} since then. {one.text}".strip())
