"""DMARC reports that this server sends: what waits to be told to whom, and addresses that get no reports for a while.

The list of such addresses, `Suppression`, is the same for reports about DMARC and TLS, each with its own entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from starlette.responses import Response

from app.clock import utc
from app.errors import WireError
from app.log import logger
from app.store.reportsuppression import Kind, ReportSuppressions
from app.web.admin.queue import number_of
from app.web.admin.reportwords import DISPOSITIONS, result_words
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.visit import PageRoute, Visit, action, page
from app.wire.smtp.address import parse_address

MAX_LISTED: Final = 500
USUAL_DAYS: Final = 30
MAX_DAYS: Final = 366 * 10
DAY_S: Final = 24 * 3600.0
PATH: Final = "/reports/dmarc-sent"

_log = logger("http")


class SuppressionPage(Protocol):
    """A page that can be shown again with a form that has faults."""

    async def __call__(self, visit: Visit, form: Form, status: int = 200) -> Response:
        """The page."""
        ...


@dataclass(frozen=True, slots=True)
class Suppression:
    """The forms about addresses that get no reports of a kind; `show` is the page they are on."""

    kind: Kind
    path: str
    show: SuppressionPage

    @property
    def routes(self) -> tuple[PageRoute, ...]:
        """What the forms do."""
        return (
            action(f"{self.path}/suppress", self._add),
            action(f"{self.path}/suppress/extend", self._extend),
            action(f"{self.path}/suppress/remove", self._remove),
        )

    async def _add(self, visit: Visit) -> Response:
        form = await visit.form()
        address = form.parsed("address", parse_address)
        until = form.parsed("until", lambda text: _end_of(text, visit.services.clock.now()))
        comment = form.text("comment", required=False, max_length=200)
        if address is None or until is None or not form.is_ok:
            return await self.show(visit, form, 422)
        await _list(visit).add(self.kind, address, until, comment)
        _log.info("report address suppressed", kind=self.kind.value, address=address, by=visit.by)
        return visit.redirect(self.path, done=f"{address} gets no reports until then.")

    async def _extend(self, visit: Visit) -> Response:
        number, now = await _number(visit), visit.services.clock.now()
        present = next((one for one in await _list(visit).all(self.kind) if one.id == number), None)
        if present is None:
            raise NotFound("This address is not on the list (any more).")
        until = min(present.until + USUAL_DAYS * DAY_S, now + MAX_DAYS * DAY_S)
        await _list(visit).extend(self.kind, number, until)
        return visit.redirect(self.path, done=f"{present.address} gets no reports for a month more.")

    async def _remove(self, visit: Visit) -> Response:
        await _list(visit).remove(self.kind, await _number(visit))
        _log.info("report address allowed again", kind=self.kind.value, by=visit.by)
        return visit.redirect(self.path, done="The address gets reports again.")


def first_form(now: float) -> Form:
    """The form to add an address, as it is shown first."""
    return Form.showing({"until": utc(now + USUAL_DAYS * DAY_S).strftime("%Y-%m-%d")})


def _list(visit: Visit) -> ReportSuppressions:
    return visit.services.server.suppressions


async def _number(visit: Visit) -> int:
    return number_of((await visit.form()).value("id")) or 0


def _end_of(text: str, now: float) -> float:
    """The end of a day that is still to come."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        end = (day + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        raise WireError("please write a date such as 2026-12-31") from None
    if not now < end <= now + MAX_DAYS * DAY_S:
        raise WireError("the day must be in the future, and not in more than ten years")
    return end


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    services = visit.services
    return visit.render(
        "admin/dmarc-sent.html",
        status,
        form=form,
        domains=await services.server.evaluations.domains(MAX_LISTED),
        most=MAX_LISTED,
        suppressed=await services.server.suppressions.all(Kind.DMARC),
        is_off=services.live.static.no_outgoing_dmarc_reports,
        path=PATH,
    )


_SUPPRESSION: Final = Suppression(Kind.DMARC, PATH, _page)


async def _show(visit: Visit) -> Response:
    return await _SUPPRESSION.show(visit, first_form(visit.services.clock.now()))


async def _show_domain(visit: Visit) -> Response:
    domain = visit.params["domain"]
    rows = await visit.services.server.evaluations.of_domain(domain, MAX_LISTED)
    if not rows:
        raise NotFound("Nothing waits to be told to this domain (any more).")
    return visit.render(
        "admin/dmarc-sent-domain.html",
        domain=domain,
        rows=rows,
        most=MAX_LISTED,
        dispositions=DISPOSITIONS,
        result_words=result_words,
        path=PATH,
    )


async def _remove(visit: Visit) -> Response:
    domain = (await visit.form()).value("domain")
    await visit.services.server.evaluations.remove_domain(domain)
    _log.info("evaluations for a DMARC report removed", domain=domain, by=visit.by)
    return visit.redirect(PATH, done=f"{domain} gets no report about what is removed.")


ROUTES: tuple[PageRoute, ...] = (
    page(PATH, _show),
    action(f"{PATH}/remove", _remove),
    *_SUPPRESSION.routes,
    page(f"{PATH}/domain/{{domain}}", _show_domain),
)
