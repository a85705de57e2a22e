"""The answer that goes out while its holder is away."""

from __future__ import annotations

import datetime

from starlette.responses import Response

from app.clock import utc
from app.store.account import vacation
from app.store.account.vacation import Vacation
from app.web.forms import Form
from app.web.visit import Visit, action, page

MAX_TEXT = 10_000
DAY_S = 24 * 3600


async def _show(visit: Visit) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    present = await vacation.current(account)
    return await _page(visit, Form.showing(_fields(present)))


def _fields(present: Vacation) -> dict[str, str]:
    return {
        "on": "yes" if present.is_on else "",
        "subject": present.subject,
        "text": present.text,
        "begins": "" if present.begins is None else utc(present.begins).date().isoformat(),
        "ends": "" if present.ends is None else utc(present.ends - 1).date().isoformat(),
    }


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    present, now = await vacation.current(account), visit.services.clock.now()
    state = "answering" if present.holds(now) else "waiting" if present.is_on and now < (present.begins or 0) else "off"
    return visit.render(
        "account/vacation.html",
        status,
        form=form,
        state=state,
        begins=present.begins,
        is_over=present.is_on and state == "off",
        told=await account.read(vacation.count_told),
        again_days=vacation.AGAIN_S // DAY_S,
        most=vacation.MAX_IN_DAY,
    )


async def _save(visit: Visit) -> Response:
    form = await visit.form()
    wanted = _typed(form)
    if not form.is_ok:
        return await _page(visit, form, 422)
    account = await visit.services.accounts.open(visit.session.account)
    await vacation.change(account, wanted)
    return visit.redirect("/vacation", done="Saved.")


def _typed(form: Form) -> Vacation:
    first, last = form.parsed("begins", _day, required=False), form.parsed("ends", _day, required=False)
    text = "\n".join(line.rstrip() for line in form.value("text").splitlines()).strip()
    wanted = Vacation(
        is_on=form.flag("on"),
        subject=form.text("subject", required=False, max_length=200),
        text=text,
        begins=first,
        ends=None if last is None else last + DAY_S,
    )
    if len(text) > MAX_TEXT:
        form.fail("text", f"This is too long; at most {MAX_TEXT} characters fit.")
    if wanted.is_on and not text:
        form.fail("text", "Please say something.")
    if first is not None and last is not None and last < first:
        form.fail("ends", "This is before the first day.")
    return wanted


def _day(text: str) -> int:
    """The beginning of a day, seconds since 1970; raises ValueError."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError("please give a day as 2026-12-24") from None
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())


ROUTES = (page("/vacation", _show), action("/vacation", _save))
