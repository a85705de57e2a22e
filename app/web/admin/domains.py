"""The domains whose mail is handled here: list, and a new one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import ConfigDomain, Dynamic
from app.config.lookup import is_reports_only
from app.errors import MailError
from app.operations.domains import NewDomain, add_domain, serves_mtasts
from app.web.admin.addresses import typed_localpart
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held_in
from app.web.visit import Visit, action, page
from app.wire.domain import Domain, parse_domain

NEW_ACCOUNT = "/"  # no account can have this name


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A domain of the list."""

    domain: Domain
    config: ConfigDomain
    addresses: int
    is_reports_only: bool

    @property
    def badge(self) -> str:
        """The kind of mark for its state."""
        return "warn" if self.config.disabled else "unknown" if self.is_reports_only or not self.addresses else "ok"

    @property
    def state(self) -> str:
        """Its state in words."""
        if self.config.disabled:
            return "switched off"
        if self.is_reports_only:
            return "only for reports"
        return "in use" if self.addresses else "no addresses yet"


def listed(dynamic: Dynamic) -> list[Listed]:
    """Every domain, by name."""
    return [
        Listed(
            domain=domain,
            config=config,
            addresses=len(held_in(dynamic, domain)),
            is_reports_only=is_reports_only(domain, dynamic),
        )
        for domain, config in sorted(dynamic.domains.items(), key=lambda pair: pair[0].unicode)
    ]


async def _show(visit: Visit) -> Response:
    return visit.render("admin/domains.html", domains=listed(visit.services.live.dynamic))


async def _show_new(visit: Visit) -> Response:
    accounts = list(visit.services.live.dynamic.accounts)
    return _new_page(visit, Form.showing({"account": accounts[0] if accounts else NEW_ACCOUNT}))


def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    accounts = [(name, name) for name in visit.services.live.dynamic.accounts]
    options = [*accounts, (NEW_ACCOUNT, "a new account, named below")]
    return visit.render("admin/domain-new.html", status, form=form, accounts=options)


async def _add(visit: Visit) -> Response:
    form = await visit.form()
    domain = form.parsed("domain", parse_domain)
    account = form.choice("account", [NEW_ACCOUNT, *visit.services.live.dynamic.accounts])
    localpart: str | None = ""
    if account == NEW_ACCOUNT:
        account = form.text("name", max_length=100)
        localpart = form.parsed("localpart", typed_localpart)
    if not form.is_ok or domain is None or localpart is None:
        return _new_page(visit, form, 422)
    live = visit.services.live
    wanted = NewDomain(
        domain=domain,
        hostname=live.static.hostname,
        account=account,
        serves_mtasts=serves_mtasts(live.static),
        disabled=form.flag("disabled"),
    )
    try:
        await asyncio.to_thread(add_domain, live, wanted, localpart, visit.services.clock.now())
    except MailError as error:
        explain(form, error, "domain", {"Accounts": "name", "Destinations": "localpart"})
        return _new_page(visit, form, 422)
    done = f"The domain {domain} is added. Now publish its DNS records."
    if localpart:
        done += f" The account {account} has no password yet; make one on its page."
    return visit.redirect(f"/domains/{domain.ascii}/dns", done=done)


ROUTES = (page("/domains", _show), page("/domains-new", _show_new), action("/domains-new", _add))
