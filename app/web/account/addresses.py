"""The addresses of the account and where their mail goes, the aliases it is a member of, and the name to send with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import Account, Dynamic
from app.operations import accountsettings
from app.operations.localaddresses import canonical_address
from app.web import sections
from app.web.account.address import own_addresses
from app.web.account.holder import config_of, save
from app.web.forms import Form
from app.web.sections import Section
from app.web.visit import Visit, action, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An alias of which an address of the account is a member."""

    alias: str
    address: str  # the member
    is_public: bool  # anybody may write to it
    may_send: bool  # members may send with it
    members: tuple[str, ...]  # all of them, where members may see each other


def memberships(dynamic: Dynamic, account: Account) -> Iterator[Membership]:
    """The aliases that lead to the account, once for each of its addresses."""
    own = {canonical_address(dynamic, key): key for key in account.destinations}
    for domain, config in dynamic.domains.items():
        for localpart, alias in config.aliases.items():
            for member in alias.addresses:
                if canonical_address(dynamic, member) in own:
                    yield Membership(
                        alias=f"{localpart}@{domain}",
                        address=member,
                        is_public=alias.post_public,
                        may_send=alias.allow_msg_from,
                        members=alias.addresses if alias.list_members else (),
                    )


async def _save_name(visit: Visit, form: Form) -> None:
    full_name = form.text("full_name", required=False, max_length=200)
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_full_name(live, name, full_name))


SECTIONS: tuple[Section[Account], ...] = (
    Section(
        name="name",
        labels={"full_name": "Full name"},
        present=lambda account: {"full_name": account.full_name},
        save=_save_name,
        settings={"FullName": "full_name"},
    ),
)


async def _show(visit: Visit) -> Response:
    return _page(visit, 200, sections.shown(SECTIONS, config_of(visit)))


def _page(visit: Visit, status: int, shown: Mapping[str, sections.Shown]) -> Response:
    return visit.render(
        "account/addresses.html",
        status,
        addresses=own_addresses(visit),
        memberships=list(memberships(visit.services.live.dynamic, config_of(visit))),
        sections=shown,
    )


async def _save(visit: Visit) -> Response:
    not_saved = await sections.save(visit, SECTIONS, lambda: config_of(visit))
    if not_saved:
        return _page(visit, not_saved.status, not_saved.sections)
    return visit.redirect("/addresses", done="Saved.")


ROUTES = (page("/addresses", _show), action("/addresses/all/{section}", _save))
