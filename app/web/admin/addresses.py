"""Give an account another address, or take one away."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.config.dynamic import Dynamic
from app.errors import MailError, WireError
from app.operations.accounts import add_address, remove_address
from app.web.admin.confirm import Question, ask
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import Held, held
from app.web.templates import segment
from app.web.visit import Visit, action, page
from app.wire.domain import Domain
from app.wire.smtp.address import Address, parse_localpart


async def add_from(visit: Visit, form: Form, account: str) -> str:
    """Give the account the address of a form (`localpart`, `domain`, `everything`); what was added, or "" if wrong."""
    domain = form.choice("domain", [one.ascii for one in visit.services.live.dynamic.domains])
    localpart = "" if form.flag("everything") else form.parsed("localpart", typed_localpart) or ""
    if not form.is_ok:
        return ""
    address = str(Address(localpart, Domain(domain))) if localpart else f"@{domain}"
    try:
        await asyncio.to_thread(add_address, visit.services.live, address, account)
    except MailError as error:
        explain(form, error, "localpart")
        return ""
    return address if localpart else f"Everything else at {Domain(domain)}"


def typed_localpart(text: str) -> str:
    """The part of an address before the @, as somebody typed it; raises WireError."""
    if "@" in text:
        raise WireError("give only what stands before the @")
    try:
        localpart, end = parse_localpart(text)
    except WireError:
        raise WireError("an address cannot begin like this; use letters, digits, and . - _ between them") from None
    if end != len(text):
        raise WireError(f"{text[end]!r} cannot stand in an address here")
    return localpart


def account_path(name: str) -> str:
    """The path of an account's page."""
    return f"/accounts/{segment(name)}"


async def _ask_remove(visit: Visit) -> Response:
    one = _named(visit, visit.request.query_params.get("address", ""))
    return ask(
        visit,
        Question(
            title=f"Take {one.words} away from {one.account}?",
            sentences=(
                "Mail to it is refused from then on, and nobody can sign in with it or send from it. "
                "Mail that has arrived stays in the account.",
                *_aliases_in_words(visit.services.live.dynamic, one),
            ),
            action="/addresses-remove",
            fields={"address": one.key},
            button="Take the address away",
            back=account_path(one.account),
        ),
    )


def _aliases_in_words(dynamic: Dynamic, one: Held) -> tuple[str, ...]:
    names = [
        f"{localpart}@{domain}"
        for domain, config in dynamic.domains.items()
        for localpart, alias in config.aliases.items()
        if one.key in alias.addresses
    ]
    return (f"It also leaves the aliases {', '.join(names)}.",) if names else ()


async def _remove(visit: Visit) -> Response:
    one = _named(visit, (await visit.form()).value("address"))
    await asyncio.to_thread(remove_address, visit.services.live, one.key)
    return visit.redirect(account_path(one.account), done=f"Done: {one.words} is taken away. {UNDO}")


UNDO = "To undo this, return to the version before it under Configuration."


def _named(visit: Visit, key: str) -> Held:
    for one in held(visit.services.live.dynamic):
        if one.key == key:
            return one
    raise NotFound("no account has this address (any more)")


ROUTES = (page("/addresses-remove", _ask_remove), action("/addresses-remove", _remove))
