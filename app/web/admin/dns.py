"""The DNS records of a domain: to copy, as a zone file, what is seen of each, and the check of everything about it.

Neither page waits for the network: a part of it asks for the answer once it is shown, and without scripts a link does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response

from app.errors import MailError
from app.operations.dnscheck.check import check_domain
from app.operations.dnscheck.dialling import HostDialler
from app.operations.dnscheck.findings import DomainCheck, Network
from app.operations.dnscheck.states import RecordState, State
from app.operations.dnsrecords import Host, Record, Row, files_below, host_of, records, rows, zone_file
from app.web.admin.domain import domain_of, domain_page
from app.web.dnswatch import Round
from app.web.templates import render
from app.web.visit import Visit, page
from app.wire.domain import Domain

ZONE_FILE = "text/plain; charset=utf-8"

_BADGES = {
    State.SEEN: "ok",
    State.PARTLY: "warn",
    State.MISSING: "bad",
    State.WRONG: "bad",
    State.FOREIGN: "warn",
    State.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A record of the table, and what is seen of it."""

    row: Row
    seen: RecordState | None

    @property
    def badge(self) -> str:
        """The kind of mark for its state."""
        if self.seen and self.seen.state is State.MISSING and not self.matters:
            return "warn"
        return _BADGES[self.seen.state] if self.seen else "waiting"

    @property
    def matters(self) -> bool:
        """Whether mail or mail programs suffer without it."""
        return self.row.record.matters

    @property
    def word(self) -> str:
        """Its state in a word."""
        return self.seen.state.words if self.seen else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a domain should publish; `problem` when it cannot be told."""

    records: Sequence[Record] = ()
    problem: str = ""


def wanted(visit: Visit, domain: Domain) -> Wanted:
    """The records; a key that cannot be read is a problem, not an error."""
    live = visit.services.live
    keys = files_below(live.config_dir)
    try:
        host: Host = host_of(live.static, keys)
        return Wanted(records(live.static, live.dynamic, domain, host, keys))
    except OSError as error:
        return Wanted(problem=f"A key file cannot be read: {error.filename}: {error.strerror}.")
    except MailError as error:
        return Wanted(problem=f"A key cannot be used: {error}.")


def lines(need: Wanted, domain: Domain, seen: Round | None) -> list[Line]:
    """The table."""
    states: Sequence[RecordState | None] = seen.states if seen and seen.states else [None] * len(need.records)
    return [Line(row, state) for row, state in zip(rows(need.records, domain), states, strict=True)]


async def _show(visit: Visit) -> Response:
    domain = domain_of(visit)
    need = wanted(visit, domain)
    seen = await _look(visit, domain, need) if "look" in visit.request.query_params else None
    return domain_page(visit, "admin/domain-dns.html", **_values(domain, need, seen))


async def _state(visit: Visit) -> Response:
    domain = domain_of(visit)
    need = wanted(visit, domain)
    return _fragment(
        visit, "admin/dns-state.html", domain=domain, **_values(domain, need, await _look(visit, domain, need))
    )


def _fragment(visit: Visit, template: str, **values: object) -> Response:
    """A part of a page, which leaves the notice for the next whole page."""
    return HTMLResponse(render(template, base=visit.place.base, **values), headers={"Cache-Control": "no-store"})


def _values(domain: Domain, need: Wanted, seen: Round | None) -> dict[str, object]:
    table = lines(need, domain, seen)
    matter = [line for line in table if line.matters]
    return {
        "problem": need.problem,
        "lines": table,
        "looked": seen.looked if seen else 0.0,
        "failure": seen.failure if seen else "",
        "is_published": bool(matter) and all(line.badge == "ok" for line in matter),
        "to_do": sum(line.badge == "bad" for line in matter),
    }


async def _look(visit: Visit, domain: Domain, need: Wanted) -> Round | None:
    return await visit.services.dns.look(domain, need.records, visit.services.resolver)


async def _zone(visit: Visit) -> Response:
    domain = domain_of(visit)
    need = wanted(visit, domain)
    text = zone_file(need.records) if not need.problem else f"; {need.problem}\n"
    headers = {"Content-Disposition": f'attachment; filename="{domain.ascii}.zone"', "Cache-Control": "no-store"}
    return Response(text, media_type=ZONE_FILE, headers=headers)


async def _show_check(visit: Visit) -> Response:
    found = await _check(visit) if "now" in visit.request.query_params else None
    return domain_page(visit, "admin/domain-check.html", found=found)


async def _check_result(visit: Visit) -> Response:
    return _fragment(visit, "admin/check-result.html", found=await _check(visit), domain=domain_of(visit))


async def _check(visit: Visit) -> DomainCheck | str:
    """What was found, or why nothing could be checked."""
    services, domain = visit.services, domain_of(visit)
    if problem := wanted(visit, domain).problem:
        return problem
    live = services.live
    authority = services.dns.authority(services.resolver)
    dialler = services.dns.dialler or HostDialler(hostname=live.static.hostname.ascii)
    network = Network(resolver=services.resolver, authority=authority, dialler=dialler)
    try:
        return await check_domain(live.static, live.dynamic, domain, files_below(live.config_dir), network)
    finally:
        authority.close()


ROUTES = (
    page("/domains/{domain}/dns", _show),
    page("/domains/{domain}/dns/state", _state),
    page("/domains/{domain}/dns/zone", _zone),
    page("/domains/{domain}/check", _show_check),
    page("/domains/{domain}/check/result", _check_result),
)
