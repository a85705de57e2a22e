"""A new password for the account: chosen, or made where the administrator wants that."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.errors import MailError
from app.operations.adminpassword import make_password
from app.store import passwords
from app.store.account import credentials
from app.store.account.handle import Account
from app.store.signin import FailureKind
from app.web.forms import Form
from app.web.visit import Visit, action, page


async def _show(visit: Visit) -> Response:
    return _page(visit, Form())


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    may_choose = not visit.services.live.dynamic.accounts[visit.session.account].no_custom_password
    return visit.render("account/password.html", status, form=form, may_choose=may_choose, made="")


async def _change(visit: Visit) -> Response:
    """To the password that was typed."""
    form = await visit.form()
    if visit.services.live.dynamic.accounts[visit.session.account].no_custom_password:
        form.fail("new", "The administrator wants passwords that are made here; use the other button.")
    new = form.password("new")
    if form.password("again") != new:
        form.fail("again", "This is not the same as the new password.")
    await require_present(visit, form)
    made = await _derived(form, new) if form.is_ok else None
    if made is None:
        return _page(visit, form, 422)
    await _replace(visit, made)
    return visit.redirect("/password", done="Your password is changed. Other browsers are signed out.")


async def _make(visit: Visit) -> Response:
    """To one that is made here and shown once."""
    form = await visit.form()
    await require_present(visit, form)
    if not form.is_ok:
        return _page(visit, form, 422)
    new = make_password()
    await _replace(visit, await asyncio.to_thread(credentials.derive, new))
    return visit.render("account/password.html", form=Form(), may_choose=False, made=new)


async def require_present(visit: Visit, form: Form) -> None:
    """The present password is asked for again, so that an open browser is not enough to take the account over."""
    present = form.password("present")
    services, remote = visit.services, visit.remote
    if not present:
        return
    stored = await (await _account(visit)).read(credentials.load)
    user = visit.session.login_address
    encoded = stored.argon2id if stored else services.signin.decoy_hash
    failure = await services.signin.verify(remote, user, present, encoded)
    if failure is FailureKind.RATE_LIMITED:
        form.fail("present", "There were too many wrong passwords from your network. Please wait a few minutes.")
    elif failure is not None:
        form.fail("present", "This is not your present password.")


async def _derived(form: Form, password: str) -> credentials.Credentials | None:
    try:
        return await asyncio.to_thread(credentials.derive, password)
    except MailError as error:
        text = str(error)
        form.fail("new", f"{text[:1].upper()}{text[1:]}.")
        return None


async def _replace(visit: Visit, made: credentials.Credentials) -> None:
    account = await _account(visit)
    await passwords.replace(account, visit.services.server.sessions, made, but=visit.session.id)


async def _account(visit: Visit) -> Account:
    return await visit.services.accounts.open(visit.session.account)


ROUTES = (page("/password", _show), action("/password", _change), action("/password/made", _make))
