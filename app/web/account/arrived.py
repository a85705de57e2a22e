"""Mail that came in and why it is where it is; what was refused can be taken back."""

from __future__ import annotations

from starlette.responses import Response

from app.operations import judged
from app.store.account import preferences
from app.store.account.preferences import Preference
from app.web.account.holder import config_of
from app.web.errors import NotFound
from app.web.visit import Visit, action, page


async def _show(visit: Visit) -> Response:
    only_refused = visit.request.query_params.get("show") == "refused"
    account = await visit.services.accounts.open(visit.session.account)
    return visit.render(
        "account/arrived.html",
        messages=await account.read(judged.newest(only_refused=only_refused)),
        only_refused=only_refused,
        most=judged.MAX_SHOWN,
        rejects_mailbox=config_of(visit).rejects_mailbox,
        to_junk=await account.read(lambda db: preferences.is_on(db, Preference.QUARANTINE_TO_JUNK)),
    )


async def _show_one(visit: Visit) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    found = await account.read(judged.find(_number(visit)))
    if found is None:
        raise NotFound("That message is gone.")
    return visit.render("account/arrived-one.html", message=found)


async def _take(visit: Visit) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    number = _number(visit)
    mailbox = await account.write(lambda tx: judged.take_back(tx, number))
    if mailbox is None:
        raise NotFound("That message is gone.")
    return visit.redirect(
        f"/arrived/{number}",
        done=f"The message is in {mailbox} now. Mail that proves to be from its sender will be let in.",
    )


async def _call_junk(visit: Visit) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    number = _number(visit)
    mailbox = await account.write(lambda tx: judged.call_junk(tx, number))
    if mailbox is None:
        raise NotFound("That message is gone.")
    return visit.redirect(f"/arrived/{number}", done=f"The message is in {mailbox} now, and counts against its sender.")


async def _set_quarantine(visit: Visit) -> Response:
    form = await visit.form()
    to_junk = form.text("quarantine") == "junk"
    account = await visit.services.accounts.open(visit.session.account)
    await account.write(lambda tx: preferences.choose(tx, Preference.QUARANTINE_TO_JUNK, on=to_junk))
    return visit.redirect("/arrived#quarantine", done="Saved.")


def _number(visit: Visit) -> int:
    text = visit.params["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("")
    return int(text)


ROUTES = (
    page("/arrived", _show),
    page("/arrived/{id}", _show_one),
    action("/arrived/{id}/take", _take),
    action("/arrived/{id}/junk", _call_junk),
    action("/arrived/quarantine", _set_quarantine),
)
