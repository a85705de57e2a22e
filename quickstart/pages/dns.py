"""The DNS records: to copy, as a zone file, and how much of them the world sees."""

from __future__ import annotations

from starlette.responses import Response

from quickstart.pages.visit import Page, Visit
from quickstart.publishing import Publishing
from quickstart.steps import Step


async def show(visit: Visit) -> Response:
    publishing = await visit.wizard.look_at_dns()
    publishing.watch()
    return visit.render("dns.html", **_values(visit, publishing))


async def state(visit: Visit) -> Response:
    publishing = await visit.wizard.look_at_dns()
    publishing.watch()
    return visit.fragment("dns-state.html", **_values(visit, publishing))


def _values(visit: Visit, publishing: Publishing) -> dict[str, object]:
    return {
        "lines": publishing.lines,
        "looked": publishing.looked,
        "failure": publishing.failure,
        "is_published": publishing.is_published,
        "domain": visit.wizard.answers.address.domain,
        "hostname": visit.wizard.answers.hostname,
        "nat_ips": visit.wizard.answers.nat_ips,
        "has_ips": bool(visit.wizard.answers.ips),
    }


async def zone(visit: Visit) -> Response:
    publishing = await visit.wizard.look_at_dns()
    name = f"{visit.wizard.answers.address.domain.ascii}.zone"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(publishing.zone_text, media_type="text/plain; charset=utf-8", headers=headers)


async def look_again(visit: Visit) -> Response:
    (await visit.wizard.look_at_dns()).watch(now=True)
    return visit.go(Step.DNS)


async def go_on(visit: Visit) -> Response:
    await visit.wizard.look_at_dns()
    visit.wizard.save(visit.draft.passing(Step.DNS))
    return visit.go_on()


PAGES = (
    Page("/dns", Step.DNS, show),
    Page("/dns", Step.DNS, go_on, "POST"),
    Page("/dns/state", Step.DNS, state),
    Page("/dns/zone", Step.DNS, zone),
    Page("/dns/again", Step.DNS, look_again, "POST"),
)
