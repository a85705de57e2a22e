"""A new password for the administrator: the present one is asked for, and all other browsers are signed out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.responses import Response

from app.errors import MailError, Refusal
from app.operations.adminpassword import set_admin_password
from app.store.loginattempts import ADMIN
from app.store.signin import FailureKind
from app.store.websessions import Kind
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page


async def _show(visit: Visit) -> Response:
    return visit.render("admin/password.html", form=Form())


async def _change(visit: Visit) -> Response:
    form = await visit.form()
    new = form.password("new")
    if form.password("again") != new:
        form.fail("again", "This is not the same as the new password.")
    path = _file(visit)
    await _require_present(visit, form, path)
    if form.is_ok:
        await _replace(visit, form, path, new)
    if not form.is_ok:
        return visit.render("admin/password.html", 422, form=form)
    return visit.redirect("/signins", done="The password is changed. All other browsers are signed out.")


def _file(visit: Visit) -> Path:
    live = visit.services.live
    if not live.static.admin_password_file:
        raise Refusal("mox.conf names no AdminPasswordFile, so there is no password to change")
    return live.resolve(live.static.admin_password_file)


async def _require_present(visit: Visit, form: Form, path: Path) -> None:
    """An open browser alone is not enough to take the server over; guesses count as failed sign-ins."""
    present, signin = form.password("present"), visit.services.signin
    if not present:
        return
    stored = (await asyncio.to_thread(path.read_text, "ascii", "replace")).strip()
    failure = await signin.verify(visit.remote, ADMIN, present, stored)
    if failure is FailureKind.RATE_LIMITED:
        form.fail("present", "There were too many wrong passwords from your network. Please wait a few minutes.")
    elif failure is not None:
        form.fail("present", "This is not the present password.")


async def _replace(visit: Visit, form: Form, path: Path, new: str) -> None:
    """A session is good for one password (`websessions.py`), so this one is made good for the new one."""
    try:
        await asyncio.to_thread(set_admin_password, path, new)
    except MailError as error:
        explain(form, error, "new")
        return
    sessions = visit.services.server.sessions
    await sessions.end_all(Kind.ADMIN, "", but=visit.session.id)
    await sessions.seal_again(visit.session.id)


ROUTES = (page("/password", _show), action("/password", _change))
