"""The first page of the administrator."""

from __future__ import annotations

from starlette.responses import Response

from app.web.visit import Visit, page


async def _show(visit: Visit) -> Response:
    dynamic = visit.services.live.dynamic
    return visit.render("admin/overview.html", domains=list(dynamic.domains), accounts=list(dynamic.accounts))


ROUTES = (page("/", _show),)
