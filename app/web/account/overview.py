"""The first page of an account: its addresses, its storage, the last sign-ins."""

from __future__ import annotations

from starlette.responses import Response

from app.config.static import quota_bytes
from app.store.account import mailboxes
from app.web.visit import Visit, page

RECENT_SIGN_INS = 5


async def _show(visit: Visit) -> Response:
    services, name = visit.services, visit.session.account
    config = services.live.dynamic.accounts[name]
    account = await services.accounts.open(name)
    found = await account.read(mailboxes.all_mailboxes)
    return visit.render(
        "account/overview.html",
        account=config,
        mailboxes=sorted(found, key=lambda one: (one.name != "Inbox", one.name)),
        used=sum(one.size_bytes for one in found),
        quota=quota_bytes(services.live.static, config.quota_message_size),
        addresses=list(config.destinations),
        attempts=await services.server.attempts.list(name, RECENT_SIGN_INS),
    )


ROUTES = (page("/", _show),)
