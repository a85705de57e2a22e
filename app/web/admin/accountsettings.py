"""What the administrator sets for an account: names, quota, how much it may send, how passwords come about."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.responses import Response

from app.config.dynamic import Account
from app.config.pending import DYNAMIC, is_pending
from app.operations import accountsettings
from app.operations.accountsettings import Limits
from app.web.admin.account import account_page, config_of, name_of
from app.web.admin.addresses import account_path
from app.web.forms import Form
from app.web.sections import Section, Shown, save, shown
from app.web.visit import Visit, action, page

MAX_QUOTA = 10**15
MAX_COUNT = 10**9
_UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3, "": 1}
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?([KMGT]?)B?", re.IGNORECASE)
QUOTAS = {"default": "As mox.conf says", "own": "This many", "none": "No limit"}
NOT_YET = ("FullName", "NoFirstTimeSenderDelay")


def parse_size(text: str) -> int:
    """Bytes of a size such as "500 MB" or "2.5 GB"; raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError("please give a size such as 500 MB or 2 GB")
    whole, fraction, letter = match[1], match[2] or "", match[3]
    scale = _UNITS[f"{letter.upper()}B" if letter else ""]
    size = int(whole) * scale + int(fraction or 0) * scale // int("1" + "0" * len(fraction))
    if not 0 < size <= MAX_QUOTA:
        raise ValueError(f"please give a size from 1 to {MAX_QUOTA // 10**12} TB; for none there is a choice above")
    return size


def write_size(size: int) -> str:
    """The size in the largest unit that says it exactly."""
    unit, scale = next((unit, scale) for unit, scale in _UNITS.items() if size % scale == 0)
    return f"{size // scale} {unit}".strip()


async def _save_about(visit: Visit, form: Form) -> None:
    full_name = form.text("full_name", required=False, max_length=200)
    description = form.text("description", required=False, max_length=500)
    if form.is_ok:
        live, name = visit.services.live, name_of(visit)
        await asyncio.to_thread(accountsettings.set_full_name, live, name, full_name)
        await asyncio.to_thread(accountsettings.set_description, live, name, description)


def _present_limits(account: Account) -> Mapping[str, str]:
    quota = account.quota_message_size
    return {
        "quota": "default" if quota == 0 else "none" if quota < 0 else "own",
        "quota_size": write_size(quota) if quota > 0 else "",
        "outgoing": str(account.max_outgoing_messages_per_day),
        "first_time": str(account.max_first_time_recipients_per_day),
        "no_delay": "yes" if account.no_first_time_sender_delay else "",
        "made_only": "yes" if account.no_custom_password else "",
    }


async def _save_limits(visit: Visit, form: Form) -> None:
    kind = form.choice("quota", QUOTAS)
    own = form.parsed("quota_size", parse_size) if kind == "own" else None
    limits = Limits(
        quota_message_size=own or (-1 if kind == "none" else 0),
        max_outgoing_messages_per_day=form.number("outgoing", 0, MAX_COUNT),
        max_first_time_recipients_per_day=form.number("first_time", 0, MAX_COUNT),
        no_first_time_sender_delay=form.flag("no_delay"),
        no_custom_password=form.flag("made_only"),
    )
    if form.is_ok:
        await asyncio.to_thread(accountsettings.set_limits, visit.services.live, name_of(visit), limits)


SECTIONS: tuple[Section[Account], ...] = (
    Section(
        name="about",
        labels={"full_name": "Full name", "description": "Description"},
        present=lambda account: {"full_name": account.full_name, "description": account.description},
        save=_save_about,
        settings={"FullName": "full_name", "Description": "description"},
    ),
    Section(
        name="limits",
        labels={
            "quota": "Storage",
            "quota_size": "Size",
            "outgoing": "Recipients in a day",
            "first_time": "New recipients in a day",
            "no_delay": "Mail of new senders does not wait",
            "made_only": "Made passwords only",
        },
        present=_present_limits,
        save=_save_limits,
        settings={
            "QuotaMessageSize": "quota_size",
            "MaxOutgoingMessagesPerDay": "outgoing",
            "MaxFirstTimeRecipientsPerDay": "first_time",
        },
    ),
)


async def _show(visit: Visit) -> Response:
    return _page(visit, 200, shown(SECTIONS, config_of(visit)))


def _page(visit: Visit, status: int, sections: Mapping[str, Shown]) -> Response:
    return account_page(
        visit,
        "admin/account-settings.html",
        status,
        sections=sections,
        quotas=list(QUOTAS.items()),
        default_quota=max(visit.services.live.static.quota_message_size, 0),
        not_yet={name for name in NOT_YET if is_pending(("Accounts", "*", name), DYNAMIC)},
    )


async def _save(visit: Visit) -> Response:
    not_saved = await save(visit, SECTIONS, lambda: config_of(visit))
    if not_saved:
        return _page(visit, not_saved.status, not_saved.sections)
    return visit.redirect(f"{account_path(name_of(visit))}/settings", done="Saved.")


ROUTES = (page("/accounts/{account}/settings", _show), action("/accounts/{account}/settings/{section}", _save))
