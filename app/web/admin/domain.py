"""One domain: its addresses and aliases, whether it is switched on, how mail programs reach it; and taking it away."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.config.dynamic import ConfigDomain
from app.errors import MailError, WireError
from app.operations.clientsettings import client_settings
from app.operations.domains import remove_domain, set_disabled
from app.web.admin.addresses import add_from
from app.web.admin.confirm import Question, ask
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held_in
from app.web.visit import Visit, action, page
from app.wire.domain import Domain, parse_domain


def domain_of(visit: Visit) -> Domain:
    """The domain that the path names."""
    try:
        domain = parse_domain(visit.params["domain"])
    except WireError:
        raise NotFound("") from None
    if domain not in visit.services.live.dynamic.domains:
        raise NotFound(f"there is no domain {domain} (any more)")
    return domain


def config_of(visit: Visit) -> ConfigDomain:
    """The configuration of the domain that the path names."""
    return visit.services.live.dynamic.domains[domain_of(visit)]


def domain_path(domain: Domain, rest: str = "") -> str:
    """The path of a page about the domain."""
    return f"/domains/{domain.ascii}{rest}"


def domain_page(visit: Visit, template: str, status: int = 200, /, **values: object) -> Response:
    """A page among those of a domain, with the links to the others."""
    domain = domain_of(visit)
    tabs = [
        (domain_path(domain), "Addresses"),
        (domain_path(domain, "/dns"), "DNS records"),
        (domain_path(domain, "/check"), "Check"),
        (domain_path(domain, "/settings"), "Settings"),
        (domain_path(domain, "/dkim"), "Signing keys"),
    ]
    return visit.render(template, status, **values, domain=domain, config=config_of(visit), tabs=tabs)


async def _show(visit: Visit) -> Response:
    return _page(visit, Form())


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    dynamic = visit.services.live.dynamic
    domain, config = domain_of(visit), config_of(visit)
    return domain_page(
        visit,
        "admin/domain.html",
        status,
        form=form,
        addresses=held_in(dynamic, domain),
        accounts=[(name, name) for name in dynamic.accounts],
        aliases=sorted(config.aliases.items()),
        ways=client_settings(visit.services.live.static, config),
    )


async def _add_address(visit: Visit) -> Response:
    form = await visit.form()
    account = form.choice("account", list(visit.services.live.dynamic.accounts))
    form.values = {**form.values, "domain": (domain_of(visit).ascii,)}
    added = await add_from(visit, form, account)
    if not added:
        return _page(visit, form, 422)
    return visit.redirect(domain_path(domain_of(visit)), done=f"{added} now arrives in the account {account}.")


async def _switch(visit: Visit) -> Response:
    domain = domain_of(visit)
    is_off = (await visit.form()).flag("disabled")
    await asyncio.to_thread(set_disabled, visit.services.live, domain, is_off)
    done = f"{domain} is switched {'off: no mail comes in or goes out' if is_off else 'on'}."
    return visit.redirect(domain_path(domain), done=done)


async def _ask_remove(visit: Visit) -> Response:
    return ask(visit, _removal(domain_of(visit)))


def _removal(domain: Domain) -> Question:
    return Question(
        title=f"Remove {domain}?",
        sentences=(
            "Mail to the domain is refused from then on, and nobody can send in its name.",
            "No mail is deleted. The keys that signed its mail stay in the folder dkim.",
            "Take its DNS records away too, or point them to where its mail goes then.",
        ),
        action=domain_path(domain, "/remove"),
        button="Remove the domain",
        back=domain_path(domain),
        undo="You can undo this: return to the version before it under Configuration.",
    )


async def _remove(visit: Visit) -> Response:
    domain, form = domain_of(visit), await visit.form()
    try:
        await asyncio.to_thread(remove_domain, visit.services.live, domain)
    except MailError as error:
        explain(form, error)
        return ask(visit, _removal(domain), form)
    return visit.redirect("/domains", done=f"The domain {domain} is removed.")


ROUTES = (
    page("/domains/{domain}", _show),
    action("/domains/{domain}/addresses", _add_address),
    action("/domains/{domain}/switch", _switch),
    page("/domains/{domain}/remove", _ask_remove),
    action("/domains/{domain}/remove", _remove),
)
