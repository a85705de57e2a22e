"""Who signed in or tried to, at all accounts and here; and the browsers in which the administrator is signed in."""

from __future__ import annotations

from starlette.responses import Response

from app.store.loginattempts import ADMIN, UNKNOWN
from app.store.websessions import Kind
from app.web.admin.queue import number_of
from app.web.admin.queueview import read_query
from app.web.errors import NotFound
from app.web.visit import Visit, action, page

SHOWN = 200
EVERYBODY = ""


async def _show(visit: Visit) -> Response:
    server = visit.services.server
    form = read_query(visit.request.url.query)
    accounts = _accounts(visit)
    account = form.value("account") if form.value("account") in dict(accounts) else EVERYBODY
    attempts = await server.attempts.list(account or None, SHOWN, only_failed=form.flag("failed"))
    return visit.render(
        "admin/signins.html",
        form=form,
        accounts=accounts,
        attempts=attempts,
        is_filtered=bool(account) or form.flag("failed"),
        shown=SHOWN,
        sessions=await server.sessions.list(Kind.ADMIN, ""),
    )


def _accounts(visit: Visit) -> list[tuple[str, str]]:
    special = [(EVERYBODY, "everybody"), (ADMIN, "the administrator"), (UNKNOWN, "unknown users")]
    return [*special, *((name, name) for name in sorted(visit.services.live.dynamic.accounts))]


async def _end(visit: Visit) -> Response:
    if (number := number_of(visit.params["id"])) is None:
        raise NotFound("")
    await visit.services.server.sessions.end(number, account="")
    return visit.redirect("/signins", done="That browser is signed out.")


async def _end_others(visit: Visit) -> Response:
    await visit.services.server.sessions.end_all(Kind.ADMIN, "", but=visit.session.id)
    return visit.redirect("/signins", done="All other browsers are signed out.")


ROUTES = (
    page("/signins", _show),
    action("/sessions/{id}/end", _end),
    action("/sessions/end-others", _end_others),
)
