"""Everything that is watched: what is wrong, what is fine, and what changed, the worst and the newest first."""

from __future__ import annotations

from starlette.responses import Response

from app.operations.status.finding import Sources
from app.operations.status.report import status_of
from app.store.looks import Grade
from app.web.services import Services
from app.web.visit import Visit, page

_BADGES = {Grade.FINE: "ok", Grade.UNKNOWN: "unknown", Grade.LOOK: "warn", Grade.ACT: "bad"}


def sources_of(services: Services) -> Sources:
    """What the status looks at."""
    return Sources(
        live=services.live,
        accounts=services.accounts,
        queue=services.queue,
        server=services.server,
        rotations=services.rotations,
        clock=services.clock,
        certificates=services.certificates,
    )


async def _show(visit: Visit) -> Response:
    status = await status_of(sources_of(visit.services))
    return visit.render(
        "admin/status.html",
        badges=_BADGES,
        grade=status.grade,
        findings=status.findings,
        changes=status.changes,
        hostname=visit.services.live.static.hostname,
    )


ROUTES = (page("/status", _show),)
