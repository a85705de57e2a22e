"""The last steps: settings for mail programs with a fresh password, and the checklist."""

from __future__ import annotations

from starlette.responses import Response

from app.errors import MailError, Refusal
from app.operations.adminpassword import make_password
from app.operations.checklist import Facts, checklist, is_green
from app.operations.clientprofiles import apple_profile, profile_path
from app.operations.clientsettings import Offer, make_offer
from app.operations.qrcodes import qr_svg
from quickstart.checks.finding import State
from quickstart.draft import Started
from quickstart.generate import pages_port
from quickstart.install import is_answering, text_of
from quickstart.pages.proof import Proof, Sent, gather
from quickstart.pages.visit import Page, Visit
from quickstart.steps import Step

OF_RECORDS = ("hostname", "reverse")  # checks that come out otherwise once the DNS records are there


async def show_devices(visit: Visit) -> Response:
    _check_again(visit)
    visit.wizard.look_at_standing()
    return await _devices(visit)


def _check_again(visit: Visit) -> None:
    """Ask in time for the last page what the records decide that were published meanwhile; all, if nothing is known."""
    findings = visit.wizard.findings
    stale = [row.check.key for row in findings.rows() if row.finding is None or row.finding.state is not State.OK]
    if not all(findings.ask_again(key) for key in OF_RECORDS if key in stale):
        visit.wizard.start_checks()


async def _devices(visit: Visit, password: str = "", failure: str = "") -> Response:
    offer, address = await _offer(visit), str(visit.wizard.answers.address)
    values: dict[str, object] = {
        "offer": offer,
        "address": address,
        "password": password,
        "failure": failure,
        "code": _code(visit),
    }
    return visit.render("devices.html", **values)


def _code(visit: Visit) -> str:
    """A QR code of the profile's public address; none when that is too long."""
    address = visit.wizard.answers.address
    try:
        return qr_svg(f"https://autoconfig.{address.domain.ascii}{profile_path([address], '')}")
    except Refusal:
        return ""


async def _offer(visit: Visit) -> Offer:
    generated = await visit.wizard.generated()
    domain = visit.wizard.answers.address.domain
    return make_offer(generated.static, domain, generated.dynamic.domains[domain])


async def make_account_password(visit: Visit) -> Response:
    """A new password for the account, shown once."""
    password = make_password()
    try:
        await visit.wizard.ask("setaccountpassword", account=visit.wizard.account, password=password)
    except MailError as error:
        return await _devices(visit, failure=text_of(error))
    return await _devices(visit, password)


async def profile(visit: Visit) -> Response:
    content = apple_profile(await _offer(visit), (visit.wizard.answers.address,), "")
    headers = {"Content-Disposition": 'attachment; filename="mail.mobileconfig"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/x-apple-aspen-config", headers=headers)


async def leave_devices(visit: Visit) -> Response:
    visit.wizard.save(visit.draft.passing(Step.DEVICES))
    return visit.go_on()


async def show_done(visit: Visit) -> Response:
    values: dict[str, object] = {
        **await _list(visit),
        "directory": visit.wizard.world.directory,
        "port": pages_port(visit.wizard.answers) or 80,
        "program": visit.wizard.world.program,
        "started": visit.draft.started,
        "Started": Started,
    }
    return visit.render("done.html", **values)


async def done_state(visit: Visit) -> Response:
    return visit.fragment("done-state.html", **await _list(visit))


async def _list(visit: Visit) -> dict[str, object]:
    items = checklist(await _facts(visit, await gather(visit)))
    return {"items": items, "is_green": is_green(items)}


async def _facts(visit: Visit, proof: Proof) -> Facts:
    wizard = visit.wizard
    seen = wizard.look_at_standing().seen
    publishing = await wizard.look_at_dns()
    publishing.watch()
    found = {row.check.key: row.finding for row in wizard.findings.rows() if row.finding is not None}
    states = {key: finding.state.value == "ok" for key, finding in found.items() if finding.state.value != "unknown"}
    outbound = [states[key] for key in ("outbound-4", "outbound-6") if key in states]
    return Facts(
        runs=await is_answering(wizard.world.system, wizard.world.directory / "data"),
        starts_at_boot=seen.starts_at_boot,
        records_published=publishing.is_published if publishing.looked else None,
        reverse_dns=states.get("reverse"),
        can_send=any(outbound) if outbound else None,
        has_received=bool(proof.arrived),
        has_sent=proof.sent is Sent.DELIVERED,
        certificate_trusted=seen.certificate_trusted,
        web_reachable=seen.web_reachable,
    )


async def finish(visit: Visit) -> Response:
    """The set-up ends; this is the last page it shows."""
    response = visit.render("over.html", started=visit.draft.started, Started=Started)
    visit.wizard.finish()
    return response


PAGES = (
    Page("/devices", Step.DEVICES, show_devices),
    Page("/devices", Step.DEVICES, leave_devices, "POST"),
    Page("/devices/password", Step.DEVICES, make_account_password, "POST"),
    Page("/devices/profile.mobileconfig", Step.DEVICES, profile),
    Page("/done", Step.DONE, show_done),
    Page("/done/state", Step.DONE, done_state),
    Page("/done", Step.DONE, finish, "POST"),
)
