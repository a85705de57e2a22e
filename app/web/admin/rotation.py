"""Replacing the keys that sign mail of a domain: buttons on the page of its keys, and what to do next in words."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from starlette.responses import Response

from app.errors import Refusal
from app.operations.dkimrotation import Phase, Presence, Progress
from app.operations.dnsrecords import Record
from app.web.admin.confirm import Question, ask
from app.web.admin.domain import domain_of, domain_path
from app.web.visit import Visit, action, page

STATES = {
    Presence.RIGHT: ("ok", "seen in DNS"),
    Presence.MISSING: ("waiting", "not in DNS yet"),
    Presence.OTHER: ("bad", "another key stands there"),
    Presence.UNKNOWN: ("unknown", "DNS does not answer"),
}


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record with what DNS says of it: a badge's kind and words."""

    record: Record
    kind: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRotation:
    """A replacement as the page shows it."""

    progress: Progress
    records: list[ShownRecord]  # to publish, or to take out of DNS

    @property
    def phase(self) -> str:
        """The word of the phase."""
        return self.progress.phase.value


async def shown_rotation(visit: Visit) -> ShownRotation | None:
    """What is under way for the domain of the page."""
    rotations = visit.services.rotations
    progress = await rotations.find(domain_of(visit))
    if progress is None:
        return None
    rotation = progress.rotation
    names = rotation.new if progress.phase in (Phase.WAITING, Phase.SEEN) else rotation.old
    found = await rotations.records(rotation, names)
    return ShownRotation(progress=progress, records=[_shown(progress, record) for record in found])


def _shown(progress: Progress, record: Record) -> ShownRecord:
    presence = progress.records.get(record.name.partition(".")[0])
    return ShownRecord(record, *(STATES[presence] if presence else ("unknown", "not looked for yet")))


def _back(visit: Visit, done: str) -> Response:
    return visit.redirect(domain_path(domain_of(visit), "/dkim"), done=done)


async def _carried_out(visit: Visit, step: Awaitable[object], done: str) -> Response:
    """Back to the keys, where stands what was done, or why not."""
    try:
        await step
    except Refusal as error:
        return _back(visit, f"Not done: {error.public}.")
    return _back(visit, done)


async def _start(visit: Visit) -> Response:
    step = visit.services.rotations.start(domain_of(visit), by=visit.by)
    return await _carried_out(visit, step, "The new keys are made. They sign when their records are in DNS.")


async def _check(visit: Visit) -> Response:
    return await _carried_out(visit, visit.services.rotations.check(domain_of(visit)), "Looked in DNS.")


async def _switch(visit: Visit) -> Response:
    step = visit.services.rotations.switch(domain_of(visit), by=visit.by)
    return await _carried_out(visit, step, "The new keys sign now.")


async def _ask_undo(visit: Visit) -> Response:
    path = domain_path(domain_of(visit), "/dkim")
    progress = await visit.services.rotations.find(domain_of(visit))
    has_switched = progress is not None and progress.phase in (Phase.RETIRING, Phase.REMOVABLE)
    return ask(
        visit,
        Question(
            title="Let the old keys sign again?" if has_switched else "Take the new keys away again?",
            sentences=(
                "The new keys stay and wait; their records have to stay in DNS for mail that they have signed."
                if has_switched
                else "The keys that sign now go on. Take the records of the new ones out of DNS, if they are there.",
            ),
            action=f"{path}-undo",
            button="Let the old keys sign" if has_switched else "Take the new keys away",
            back=path,
        ),
    )


async def _undo(visit: Visit) -> Response:
    step = visit.services.rotations.undo(domain_of(visit), by=visit.by)
    return await _carried_out(visit, step, "One step back. Take records that are not listed any more out of DNS.")


async def _finish(visit: Visit) -> Response:
    step = visit.services.rotations.finish(domain_of(visit), by=visit.by)
    return await _carried_out(visit, step, "The old keys are taken away. Their files stay where they are.")


ROUTES = (
    action("/domains/{domain}/dkim-rotate", _start),
    action("/domains/{domain}/dkim-check", _check),
    action("/domains/{domain}/dkim-switch", _switch),
    page("/domains/{domain}/dkim-undo", _ask_undo),
    action("/domains/{domain}/dkim-undo", _undo),
    action("/domains/{domain}/dkim-finish", _finish),
)
