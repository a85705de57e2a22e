"""Settings of a domain: description, host name for mail programs, equal addresses, reports, MTA-STS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response

from app.config.dynamic import ConfigDomain, MtaStsMode, ReportAddress
from app.config.schema import Seconds
from app.operations import domainsettings
from app.operations.domains import serves_mtasts
from app.operations.domainsettings import Localparts, Policy, Reports
from app.web.admin.addresses import typed_localpart
from app.web.admin.domain import config_of, domain_of, domain_page, domain_path
from app.web.forms import Form
from app.web.sections import Section, Shown, save, shown
from app.web.visit import Visit, action, page
from app.wire.domain import parse_domain

HOUR_S = 3600
MAX_POLICY_HOURS = int(domainsettings.MAX_POLICY_AGE) // HOUR_S
NO_POLICY = "off"
POLICY_MODES = {
    NO_POLICY: "No policy",
    MtaStsMode.TESTING.value: "Testing: others report problems, but deliver all the same",
    MtaStsMode.ENFORCE.value: "Enforce: others deliver encrypted, or not at all",
    MtaStsMode.NONE.value: "None: a policy that says there is none any more",
}


async def _save_about(visit: Visit, form: Form) -> None:
    text = form.text("description", required=False, max_length=500)
    if form.is_ok:
        await asyncio.to_thread(domainsettings.set_description, visit.services.live, domain_of(visit), text)


async def _save_host(visit: Visit, form: Form) -> None:
    host = form.parsed("client_host", parse_domain, required=False)
    if form.is_ok:
        await asyncio.to_thread(domainsettings.set_client_settings_domain, visit.services.live, domain_of(visit), host)


def _present_localparts(config: ConfigDomain) -> Mapping[str, str]:
    return {
        "separators": "\n".join(config.separators),
        "case_sensitive": "yes" if config.localpart_case_sensitive else "",
    }


async def _save_localparts(visit: Visit, form: Form) -> None:
    wanted = Localparts(separators=form.lines("separators", max_length=20), case_sensitive=form.flag("case_sensitive"))
    if form.is_ok:
        await asyncio.to_thread(domainsettings.set_localparts, visit.services.live, domain_of(visit), wanted)


def _reports(kind: Reports, prefix: str) -> Section[ConfigDomain]:
    """The section for one kind of reports; its fields begin with `prefix`."""

    def present(config: ConfigDomain) -> Mapping[str, str]:
        report = config.dmarc if kind is Reports.DMARC else config.tlsrpt
        return {
            f"{prefix}_on": "yes" if report else "",
            f"{prefix}_localpart": report.localpart if report else "",
            f"{prefix}_domain": report.domain.unicode if report and report.domain else "",
            f"{prefix}_account": report.account if report else "",
            f"{prefix}_mailbox": report.mailbox if report else "",
        }

    async def save_reports(visit: Visit, form: Form) -> None:
        wanted = _report(visit, form, prefix) if form.flag(f"{prefix}_on") else None
        if form.is_ok:
            live, domain = visit.services.live, domain_of(visit)
            await asyncio.to_thread(domainsettings.set_reports, live, domain, kind, wanted)

    return Section(
        name=prefix,
        labels={
            f"{prefix}_on": "Ask for reports",
            f"{prefix}_localpart": "Address: before the @",
            f"{prefix}_domain": "Address: domain",
            f"{prefix}_account": "Account",
            f"{prefix}_mailbox": "Mailbox",
        },
        present=present,
        save=save_reports,
        settings={name: f"{prefix}_{name.lower()}" for name in ("Localpart", "Domain", "Account", "Mailbox")},
    )


def _report(visit: Visit, form: Form, prefix: str) -> ReportAddress | None:
    localpart = form.parsed(f"{prefix}_localpart", typed_localpart)
    domain = form.parsed(f"{prefix}_domain", parse_domain, required=False)
    account = form.choice(f"{prefix}_account", list(visit.services.live.dynamic.accounts))
    mailbox = form.text(f"{prefix}_mailbox", max_length=200)
    if not form.is_ok or localpart is None:
        return None
    return ReportAddress(localpart=localpart, domain=domain, account=account, mailbox=mailbox)


def _present_policy(config: ConfigDomain) -> Mapping[str, str]:
    policy = config.mtasts
    return {
        "policy_mode": policy.mode.value if policy else NO_POLICY,
        "policy_hours": str(max(1, int(policy.max_age) // HOUR_S)) if policy else "24",
        "policy_mx": "\n".join(policy.mx) if policy else "",
    }


async def _save_policy(visit: Visit, form: Form) -> None:
    mode = form.choice("policy_mode", POLICY_MODES)
    hours = form.number("policy_hours", 1, MAX_POLICY_HOURS, default=24)
    hosts = form.lines("policy_mx", max_length=255)
    if not form.is_ok:
        return
    wanted = None
    if mode != NO_POLICY:
        wanted = Policy(mode=MtaStsMode(mode), max_age=Seconds(float(hours * HOUR_S)), mx=hosts)
    live, now = visit.services.live, visit.services.clock.now()
    await asyncio.to_thread(domainsettings.set_mtasts, live, domain_of(visit), wanted, now)


SECTIONS: tuple[Section[ConfigDomain], ...] = (
    Section(
        name="about",
        labels={"description": "Description"},
        present=lambda config: {"description": config.description},
        save=_save_about,
        settings={"Description": "description"},
    ),
    Section(
        name="host",
        labels={"client_host": "Host name"},
        present=lambda config: {"client_host": str(config.client_settings_domain or "")},
        save=_save_host,
        settings={"ClientSettingsDomain": "client_host"},
    ),
    Section(
        name="localparts",
        labels={"separators": "Separators", "case_sensitive": "Upper and lower case make a difference"},
        present=_present_localparts,
        save=_save_localparts,
        settings={
            "LocalpartCatchallSeparator": "separators",
            "LocalpartCatchallSeparators": "separators",
            "LocalpartCaseSensitive": "case_sensitive",
        },
    ),
    _reports(Reports.DMARC, "dmarc"),
    _reports(Reports.TLS, "tls"),
    Section(
        name="mtasts",
        labels={"policy_mode": "Policy", "policy_hours": "Hours it is remembered", "policy_mx": "Mail servers"},
        present=_present_policy,
        save=_save_policy,
        settings={"Mode": "policy_mode", "MaxAge": "policy_hours", "MX": "policy_mx", "MTASTS": "policy_mode"},
    ),
)


async def _show(visit: Visit) -> Response:
    return _page(visit, 200, shown(SECTIONS, config_of(visit)))


def _page(visit: Visit, status: int, sections: Mapping[str, Shown]) -> Response:
    live = visit.services.live
    return domain_page(
        visit,
        "admin/domain-settings.html",
        status,
        sections=sections,
        accounts=[("", "choose one"), *((name, name) for name in live.dynamic.accounts)],
        modes=list(POLICY_MODES.items()),
        hostname=live.static.hostname,
        serves_mtasts=serves_mtasts(live.static),
    )


async def _save(visit: Visit) -> Response:
    not_saved = await save(visit, SECTIONS, lambda: config_of(visit))
    if not_saved:
        return _page(visit, not_saved.status, not_saved.sections)
    done = "Saved."
    if visit.params["section"] not in ("about", "localparts"):
        done += " Look at the DNS records: some may have to change."
    return visit.redirect(domain_path(domain_of(visit), "/settings"), done=done)


ROUTES = (page("/domains/{domain}/settings", _show), action("/domains/{domain}/settings/{section}", _save))
