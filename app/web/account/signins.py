"""Who signed in to the account, from where, and the browsers that are signed in now."""

from __future__ import annotations

from starlette.responses import Response

from app.store.websessions import Kind
from app.web.errors import NotFound
from app.web.visit import Visit, action, page

SHOWN = 200


async def _show(visit: Visit) -> Response:
    server, name = visit.services.server, visit.session.account
    return visit.render(
        "account/signins.html",
        attempts=await server.attempts.list(name, SHOWN),
        sessions=await server.sessions.list(Kind.ACCOUNT, name),
        shown=SHOWN,
    )


async def _end(visit: Visit) -> Response:
    number = visit.params["id"]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise NotFound("")
    await visit.services.server.sessions.end(int(number), account=visit.session.account)
    return visit.redirect("/signins", done="That browser is signed out.")


async def _end_others(visit: Visit) -> Response:
    own = visit.session
    await visit.services.server.sessions.end_all(Kind.ACCOUNT, own.account, but=own.id)
    return visit.redirect("/signins", done="All other browsers are signed out.")


ROUTES = (
    page("/signins", _show),
    action("/sessions/{id}/end", _end),
    action("/sessions/end-others", _end_others),
)
