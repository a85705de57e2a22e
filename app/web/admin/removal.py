"""Removing an account with its mail, and bringing it back; nothing is erased before that is asked, too."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.errors import MailError
from app.operations import removedaccounts
from app.operations.removedaccounts import Holdings, RemovedAccount, removed_accounts
from app.web.admin.addresses import account_path
from app.web.admin.confirm import Question, ask
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held_by
from app.web.visit import Visit, action, page

LISTED = "/accounts-removed"


def holdings(visit: Visit) -> Holdings:
    """Where accounts are."""
    one = visit.services
    return Holdings(
        live=one.live,
        accounts=one.accounts,
        sessions=one.server.sessions,
        keys=one.server.keys,
        queue=one.queue,
        clock=one.clock,
    )


async def _ask_remove(visit: Visit) -> Response:
    return ask(visit, _removal(visit, _account(visit, visit.request.query_params.get("account", ""))))


def _account(visit: Visit, name: str) -> str:
    if name not in visit.services.live.dynamic.accounts:
        raise NotFound("there is no such account (any more)")
    return name


def _removal(visit: Visit, name: str) -> Question:
    addresses = ", ".join(one.words for one in held_by(visit.services.live.dynamic, name))
    return Question(
        title=f"Remove the account {name}?",
        sentences=(
            f"Mail to {addresses} is refused from then on." if addresses else "It has no address.",
            "Nobody can sign in; connections of mail programs and browsers end now.",
            "Its mail is moved aside and not deleted.",
        ),
        action="/accounts-remove",
        fields={"account": name},
        button="Remove the account",
        back=account_path(name),
        undo="You can undo this: the account can be brought back, with its mail, under Removed accounts.",
    )


async def _remove(visit: Visit) -> Response:
    form = await visit.form()
    name = _account(visit, form.value("account"))
    try:
        await removedaccounts.remove_account(holdings(visit), name)
    except MailError as error:
        explain(form, error)
        return ask(visit, _removal(visit, name), form)
    return visit.redirect(LISTED, done=f"The account {name} is removed. Its mail is kept until you erase it.")


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.render("admin/accounts-removed.html", status, form=form, removed=await _removed(visit))


async def _removed(visit: Visit) -> list[RemovedAccount]:
    return list(await asyncio.to_thread(removed_accounts, visit.services.live.data_dir))


async def _named(visit: Visit, number: str) -> RemovedAccount:
    for one in await _removed(visit):
        if one.id == number:
            return one
    raise NotFound("this account is not kept (any more)")


async def _restore(visit: Visit) -> Response:
    form = await visit.form()
    one = await _named(visit, form.value("id"))
    try:
        name = await removedaccounts.restore_account(holdings(visit), one.id)
    except MailError as error:
        explain(form, error)
        return await _page(visit, form, 422)
    return visit.redirect(account_path(name), done=f"The account {name} is back, with its mail and its password.")


async def _ask_erase(visit: Visit) -> Response:
    one = await _named(visit, visit.request.query_params.get("id", ""))
    return ask(
        visit,
        Question(
            title=f"Erase the mail of {one.name}?",
            sentences=("All messages and settings of the removed account are deleted from the disk.",),
            action="/accounts-erase",
            fields={"id": one.id},
            button="Erase it for good",
            back=LISTED,
            undo="This cannot be undone.",
        ),
    )


async def _erase(visit: Visit) -> Response:
    one = await _named(visit, (await visit.form()).value("id"))
    await removedaccounts.erase_removed(holdings(visit), one.id)
    return visit.redirect(LISTED, done=f"The mail of {one.name} is erased.")


ROUTES = (
    page("/accounts-remove", _ask_remove),
    action("/accounts-remove", _remove),
    page(LISTED, _show),
    action("/accounts-restore", _restore),
    page("/accounts-erase", _ask_erase),
    action("/accounts-erase", _erase),
)
