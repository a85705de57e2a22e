"""Addresses that get no mail from an account, on a page of its holder and on one of the administrator.

Mail to such an address fails at once, and its sender is told. Taking one off the list is the undo of putting it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from app.errors import Refusal
from app.log import logger
from app.store.suppressions import Suppression
from app.web.forms import Form
from app.web.visit import PageRoute, Visit, action, page
from app.wire.smtp.address import Address, parse_address

PATH: Final = "/suppressed"
MAX_LISTED: Final = 500
MAX_WHY: Final = 200

_log = logger("http")


@dataclass(frozen=True, slots=True)
class SuppressedPage:
    """The page; `is_of_all` when it is about every account, else about that of the session."""

    is_of_all: bool

    @property
    def routes(self) -> tuple[PageRoute, ...]:
        """The page and what its forms do."""
        return page(PATH, self._show), action(PATH, self._add), action(f"{PATH}/remove", self._remove)

    async def _show(self, visit: Visit) -> Response:
        return await self._page(visit, Form())

    async def _page(self, visit: Visit, form: Form, status: int = 200) -> Response:
        sought, fault = visit.request.query_params.get("sought", ""), ""
        found: Sequence[Suppression] = ()
        looking = Form.showing({"sought": sought})
        address = looking.parsed("sought", parse_address, required=False)
        if looking.is_ok:
            found = await visit.services.queue.suppressions.list(visit.session.account, address)
        else:
            fault = looking.errors["sought"]
        return visit.render(
            "suppressed.html",
            status,
            form=form,
            looking=looking,
            fault=fault,
            accounts=[(name, name) for name in self._accounts(visit)] if self.is_of_all else None,
            found=found[:MAX_LISTED],
            total=len(found),
        )

    def _accounts(self, visit: Visit) -> Sequence[str]:
        return sorted(visit.services.live.dynamic.accounts)

    def _account(self, visit: Visit, form: Form) -> str:
        return form.choice("account", self._accounts(visit)) if self.is_of_all else visit.session.account

    async def _add(self, visit: Visit) -> Response:
        form = await visit.form()
        account = self._account(visit, form)
        address = form.parsed("address", parse_address)
        why = form.text("why", required=False, max_length=MAX_WHY)
        if address is None or not form.is_ok:
            return await self._page(visit, form, 422)
        try:
            await visit.services.queue.suppressions.add(account, address, why)
        except Refusal as error:
            form.fail("address", f"{error.public[:1].upper()}{error.public[1:]}.")
            return await self._page(visit, form, 422)
        _log.info("address suppressed", account=account, address=address, by=visit.by)
        return visit.redirect(PATH, done=f"Mail to {address} fails at once from now on.")

    async def _remove(self, visit: Visit) -> Response:
        form = await visit.form()
        # An account that was removed may have some left; its name is no choice any more.
        account = form.text("of") if self.is_of_all else visit.session.account
        address: Address | None = form.parsed("address", parse_address)
        is_gone = address is not None and await visit.services.queue.suppressions.remove(account, address)
        if is_gone:
            _log.info("address suppressed no more", account=account, address=address, by=visit.by)
        return visit.redirect(PATH, done=f"Mail can go to {address} again." if is_gone else "")
