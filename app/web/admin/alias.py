"""Aliases of a domain: add, members, who may write to it, remove.

An alias is named by a query parameter, not in the path: a localpart may be "..", or have a slash.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from starlette.responses import Response

from app.config.dynamic import Alias
from app.errors import MailError, Refusal
from app.operations import aliases
from app.operations.aliases import AliasFlags, AliasFound
from app.web.admin.addresses import typed_localpart
from app.web.admin.confirm import Question, ask
from app.web.admin.domain import domain_of, domain_page, domain_path
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held
from app.web.visit import Visit, action, page
from app.wire.smtp.address import Address

FLAGS = {
    "post_public": "Anyone may write to it; otherwise only members may",
    "list_members": "Members may see who the members are",
    "allow_msg_from": "Members may send with this address as sender",
}


async def _show_new(visit: Visit) -> Response:
    return _new_page(visit, Form.showing({"post_public": "yes"}))


def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    return domain_page(
        visit, "admin/alias-new.html", status, form=form, flags=FLAGS, choices=_member_choices(visit, ())
    )


async def _add(visit: Visit) -> Response:
    domain, form = domain_of(visit), await visit.form()
    localpart = form.parsed("localpart", typed_localpart)
    members = (*form.all("member"), *form.lines("members"))
    if not members:
        form.fail("members", "Please give at least one member.")
    if not form.is_ok or localpart is None:
        return _new_page(visit, form, 422)
    address = str(Address(localpart, domain))
    alias = Alias(addresses=members, **{name: form.flag(name) for name in FLAGS})
    try:
        await asyncio.to_thread(aliases.add_alias, visit.services.live, address, alias)
    except MailError as error:
        explain(form, error, "members", {"Aliases": "localpart", "Addresses": "members"})
        return _new_page(visit, form, 422)
    return visit.redirect(domain_path(domain), done=f"The alias {address} is added.")


async def _show(visit: Visit) -> Response:
    found = _named(visit, visit.request.query_params.get("name", ""))
    return _page(visit, found, Form())


def _showing(alias: Alias) -> Form:
    return Form.showing({name: "yes" for name in FLAGS if getattr(alias, name)})


def _present(alias: Alias) -> dict[str, str]:
    return {name: "yes" if getattr(alias, name) else "no" for name in FLAGS}


def _page(visit: Visit, found: AliasFound, form: Form, status: int = 200) -> Response:
    """With what was typed, in whichever form of the page that was."""
    is_about_flags = status == 409
    return domain_page(
        visit,
        "admin/alias.html",
        status,
        form=form,
        found=found,
        flags=FLAGS,
        flags_form=form if is_about_flags else _showing(found.alias),
        present=_present(found.alias),
        choices=_member_choices(visit, found.alias.addresses),
        changes=form.changed(_present(found.alias)) if is_about_flags else [],
    )


def _member_choices(visit: Visit, present: tuple[str, ...]) -> list[str]:
    """The addresses that could be members."""
    return [one.key for one in held(visit.services.live.dynamic) if one.localpart and one.key not in present]


def _named(visit: Visit, localpart: str) -> AliasFound:
    """The alias of the domain in the path."""
    domain = domain_of(visit)
    alias = visit.services.live.dynamic.domains[domain].aliases.get(localpart)
    if alias is None:
        raise NotFound("there is no such alias (any more)")
    return AliasFound(domain, localpart, alias)


def _back(visit: Visit, found: AliasFound, done: str) -> Response:
    return visit.redirect(domain_path(found.domain, f"/alias?name={quote(found.localpart, safe='')}"), done=done)


async def _save(visit: Visit) -> Response:
    """What is allowed; what somebody else changed meanwhile is shown first."""
    form = await visit.form()
    found = _named(visit, form.value("name"))
    if form.changed(_present(found.alias)):
        return _page(visit, found, form, 409)
    flags = AliasFlags(**{name: form.flag(name) for name in FLAGS})
    await asyncio.to_thread(aliases.update_alias, visit.services.live, found.address, flags)
    return _back(visit, found, "Saved.")


async def _add_members(visit: Visit) -> Response:
    form = await visit.form()
    found = _named(visit, form.value("name"))
    members = (*form.all("member"), *form.lines("members"))
    if not members:
        form.fail("members", "Please choose or give at least one address.")
    if form.is_ok:
        try:
            await asyncio.to_thread(aliases.add_members, visit.services.live, found.address, members)
        except MailError as error:
            explain(form, error, "members")
    if not form.is_ok:
        return _page(visit, found, form, 422)
    return _back(visit, found, "Added.")


async def _remove_member(visit: Visit) -> Response:
    form = await visit.form()
    found = _named(visit, form.value("name"))
    member = form.value("member")
    try:
        await asyncio.to_thread(aliases.remove_members, visit.services.live, found.address, (member,))
    except Refusal as error:
        explain(form, error)
        return _page(visit, found, form, 422)
    return _back(visit, found, f"{member} is no longer a member.")


async def _ask_remove(visit: Visit) -> Response:
    found = _named(visit, visit.request.query_params.get("name", ""))
    return ask(
        visit,
        Question(
            title=f"Remove the alias {found.address}?",
            sentences=("Mail to it is refused from then on. Its members keep their own addresses and their mail.",),
            action=domain_path(found.domain, "/alias-remove"),
            fields={"name": found.localpart},
            button="Remove the alias",
            back=domain_path(found.domain),
        ),
    )


async def _remove(visit: Visit) -> Response:
    found = _named(visit, (await visit.form()).value("name"))
    await asyncio.to_thread(aliases.remove_alias, visit.services.live, found.address)
    return visit.redirect(domain_path(found.domain), done=f"The alias {found.address} is removed.")


ROUTES = (
    page("/domains/{domain}/alias-new", _show_new),
    action("/domains/{domain}/alias-new", _add),
    page("/domains/{domain}/alias", _show),
    action("/domains/{domain}/alias", _save),
    action("/domains/{domain}/alias-members", _add_members),
    action("/domains/{domain}/alias-member-remove", _remove_member),
    page("/domains/{domain}/alias-remove", _ask_remove),
    action("/domains/{domain}/alias-remove", _remove),
)
