"""How to move in from the Go server: the steps, and what of them is done."""

from __future__ import annotations

from starlette.responses import Response

from app.operations.movein import Words, steps
from app.web.visit import Visit, page

DEFAULT = "/home/mox"  # where the Go server's own guide puts it
MAX_PATH = 1000


async def _show(visit: Visit) -> Response:
    old = visit.request.query_params.get("old", "").strip()[:MAX_PATH] or DEFAULT
    found = await steps(visit.services.live, visit.services.accounts, Words(old=old))
    return visit.render("admin/movein.html", steps=found, old=old)


ROUTES = (page("/movein", _show),)
