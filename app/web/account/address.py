"""One address of the account: the mailbox its mail goes to, the name to send with, whether it is refused, its rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from app.config.dynamic import Destination
from app.config.pending import DYNAMIC, is_pending
from app.operations.destinations import AddressOf, find_destination, set_destination
from app.operations.edits import digest
from app.web import sections
from app.web.account.holder import config_of, mailboxes_of, save
from app.web.account.ruleforms import sentence
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.held import Held, held_by
from app.web.sections import Section
from app.web.visit import Visit, action, page


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address of the account whose holder is signed in."""

    held: Held

    @property
    def of(self) -> AddressOf:
        """Its name for operations."""
        return AddressOf(self.held.account, self.held.key)

    @property
    def path(self) -> str:
        """The path of its page."""
        return address_path(self.held.key)

    @property
    def rules_path(self) -> str:
        """The path of the editor of its rules."""
        return f"/addresses/rules?{urlencode({'address': self.held.key})}"


def own_addresses(visit: Visit) -> list[OwnAddress]:
    """All of them, catchalls last."""
    config_of(visit)
    return [OwnAddress(one) for one in held_by(visit.services.live.dynamic, visit.session.account)]


def named(visit: Visit, key: str) -> OwnAddress:
    """The one that a request names; raises NotFound, for those of others too."""
    for one in own_addresses(visit):
        if one.held.key == key:
            return one
    raise NotFound("you have no such address (any more)")


def address_path(key: str) -> str:
    """The path of the page of an address."""
    return f"/addresses/one?{urlencode({'address': key})}"


def _present(destination: Destination) -> Mapping[str, str]:
    return {
        "mailbox": destination.mailbox,
        "full_name": destination.full_name,
        "smtp_error": destination.smtp_error,
        "auth_error": destination.message_auth_required_smtp_error,
    }


async def _save_settings(visit: Visit, form: Form) -> None:
    address = named(visit, form.value("address"))
    mailbox = form.text("mailbox", required=False)
    full_name = form.text("full_name", required=False, max_length=200)
    smtp_error = form.text("smtp_error", required=False, max_length=200)
    auth_error = form.text("auth_error", required=False, max_length=200)
    if not form.is_ok:
        return
    live = visit.services.live
    present = find_destination(live.dynamic, address.of)
    wanted = dataclasses.replace(
        present,
        mailbox=mailbox,
        full_name=full_name,
        smtp_error=smtp_error,
        message_auth_required_smtp_error=auth_error,
    )
    await save(visit, lambda: set_destination(live, address.of, wanted, seen=digest(present)))


SECTIONS: tuple[Section[Destination], ...] = (
    Section(
        name="settings",
        labels={
            "mailbox": "Mailbox",
            "full_name": "Name",
            "smtp_error": "Refuse all mail",
            "auth_error": "Refuse what proves nothing",
        },
        present=_present,
        save=_save_settings,
        settings={
            "Mailbox": "mailbox",
            "FullName": "full_name",
            "SMTPError": "smtp_error",
            "MessageAuthRequiredSMTPError": "auth_error",
        },
    ),
)


async def _show(visit: Visit) -> Response:
    address = named(visit, visit.request.query_params.get("address", ""))
    return await _page(visit, address, 200, sections.shown(SECTIONS, address.held.destination))


async def _page(visit: Visit, address: OwnAddress, status: int, shown: Mapping[str, sections.Shown]) -> Response:
    return visit.render(
        "account/address.html",
        status,
        address=address,
        sections=shown,
        sentences=[sentence(rule) for rule in address.held.destination.rulesets],
        mailboxes=[one.name for one in await mailboxes_of(visit)],
        is_name_used=not is_pending(("Accounts", "*", "Destinations", "*", "FullName"), DYNAMIC),
    )


async def _save(visit: Visit) -> Response:
    key = (await visit.form()).value("address")
    address = named(visit, key)
    not_saved = await sections.save(visit, SECTIONS, lambda: named(visit, key).held.destination)
    if not_saved:
        return await _page(visit, address, not_saved.status, not_saved.sections)
    return visit.redirect(address.path, done="Saved.")


ROUTES = (page("/addresses/one", _show), action("/addresses/one/{section}", _save))
