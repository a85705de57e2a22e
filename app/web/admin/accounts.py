"""The accounts: list, and a new one with a password that is made here and shown once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import Account
from app.config.static import quota_bytes
from app.errors import MailError
from app.operations.accounts import add_account
from app.operations.adminpassword import make_password
from app.store import passwords
from app.store.account import credentials, mailboxes
from app.web.admin.addresses import typed_localpart
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held_by
from app.web.visit import Visit, action, page
from app.wire.domain import Domain
from app.wire.smtp.address import Address

RECENT_SIGN_INS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An account of the list."""

    name: str
    config: Account
    addresses: tuple[str, ...]
    used: int
    quota: int  # 0: no limit

    @property
    def fill(self) -> float:
        """How full it is, from 0; 0 without a limit."""
        return self.used / self.quota if self.quota else 0.0


async def used_bytes(visit: Visit, name: str) -> int:
    """What the messages of an account take."""
    account = await visit.services.accounts.open(name)
    return sum(one.size_bytes for one in await account.read(mailboxes.all_mailboxes))


async def _listed(visit: Visit, name: str, config: Account) -> Listed:
    services = visit.services
    return Listed(
        name=name,
        config=config,
        addresses=tuple(one.words for one in held_by(services.live.dynamic, name)),
        used=await used_bytes(visit, name),
        quota=quota_bytes(services.live.static, config.quota_message_size),
    )


async def _show(visit: Visit) -> Response:
    dynamic, server = visit.services.live.dynamic, visit.services.server
    names = sorted(dynamic.accounts.items(), key=lambda pair: pair[0].casefold())
    found = [await _listed(visit, name, config) for name, config in names]
    attempts = await server.attempts.list(None, RECENT_SIGN_INS)
    return visit.render("admin/accounts.html", accounts=found, attempts=attempts)


async def _show_new(visit: Visit) -> Response:
    return _new_page(visit, Form())


def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    domains = [(one.ascii, one.unicode) for one in visit.services.live.dynamic.domains]
    return visit.render("admin/account-new.html", status, form=form, domains=domains)


async def _add(visit: Visit) -> Response:
    """The password is made first and stored last: an account is never open to anybody without one."""
    form = await visit.form()
    localpart = form.parsed("localpart", typed_localpart)
    domain = form.choice("domain", [one.ascii for one in visit.services.live.dynamic.domains])
    if not form.is_ok or localpart is None:
        return _new_page(visit, form, 422)
    name = form.text("name", required=False, max_length=100) or localpart.lower()
    address = str(Address(localpart, Domain(domain)))
    password = make_password()
    made = await asyncio.to_thread(credentials.derive, password)
    if form.is_ok:
        try:
            await asyncio.to_thread(add_account, visit.services.live, name, address)
        except MailError as error:
            explain(form, error, "name", {"Destinations": "localpart"})
    if not form.is_ok:
        return _new_page(visit, form, 422)
    account = await visit.services.accounts.open(name)
    await passwords.replace(account, visit.services.server.sessions, made)
    return visit.render("admin/account-made.html", name=name, address=address, password=password, is_new=True)


ROUTES = (page("/accounts", _show), page("/accounts-new", _show_new), action("/accounts-new", _add))
