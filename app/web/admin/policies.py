"""MTA-STS policies of other domains that this server keeps: what they demand, until when, and forgetting one."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from app.trust.mtasts import Mode
from app.web.errors import NotFound
from app.web.visit import Visit, action, page

MAX_LISTED: Final = 500
PATH: Final = "/reports/policies"
MODES: Final = {
    Mode.ENFORCE: "mail goes only to its servers, with a certificate that is right",
    Mode.TESTING: "what fails is only reported",
    Mode.NONE: "nothing is demanded",
}


async def _show(visit: Visit) -> Response:
    kept = await visit.services.server.policies.all(MAX_LISTED)
    return visit.render("admin/policies.html", policies=kept, modes=MODES, most=MAX_LISTED, path=PATH)


async def _forget(visit: Visit) -> Response:
    domain = (await visit.form()).value("domain")
    if not await visit.services.server.policies.forget(domain):
        raise NotFound("no policy of this domain is kept (any more)")
    done = f"What is known of {domain} is forgotten. Its policy is fetched again with the next message."
    return visit.redirect(PATH, done=done)


ROUTES = (page(PATH, _show), action(f"{PATH}/forget", _forget))
