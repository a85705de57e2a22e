"""One account: addresses, storage, password, who signs in, and whether anybody may."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.config.dynamic import Account
from app.config.static import quota_bytes
from app.errors import MailError
from app.operations.accounts import set_login_disabled
from app.operations.adminpassword import make_password
from app.operations.removedaccounts import stop_sign_ins
from app.store import passwords
from app.store.account import credentials
from app.store.websessions import Kind
from app.web.admin.accounts import used_bytes
from app.web.admin.addresses import account_path, add_from
from app.web.admin.removal import holdings
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.held import held_by
from app.web.visit import Visit, action, page

ALL_SIGN_INS = 500


def name_of(visit: Visit) -> str:
    """The account that the path names."""
    name = str(visit.params["account"])
    if name not in visit.services.live.dynamic.accounts:
        raise NotFound(f"there is no account {name!r} (any more)")
    return name


def config_of(visit: Visit) -> Account:
    """The configuration of the account that the path names."""
    return visit.services.live.dynamic.accounts[name_of(visit)]


def account_page(visit: Visit, template: str, status: int = 200, /, **values: object) -> Response:
    """A page among those of an account, with the links to the others."""
    path = account_path(name_of(visit))
    tabs = [
        (path, "Overview"),
        (f"{path}/settings", "Limits and settings"),
        (f"{path}/password", "Password"),
        (f"{path}/signins", "Sign-ins"),
    ]
    return visit.render(template, status, name=name_of(visit), config=config_of(visit), tabs=tabs, path=path, **values)


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form.showing({"domain": config_of(visit).domain}))


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    live, name, config = visit.services.live, name_of(visit), config_of(visit)
    addresses = list(held_by(live.dynamic, name))
    keys = {one.key for one in addresses}
    aliases = [
        (domain, localpart)
        for domain, about in live.dynamic.domains.items()
        for localpart, alias in about.aliases.items()
        if keys.intersection(alias.addresses)
    ]
    return account_page(
        visit,
        "admin/account.html",
        status,
        form=form,
        addresses=addresses,
        aliases=aliases,
        domains=[(one.ascii, one.unicode) for one in live.dynamic.domains],
        used=await used_bytes(visit, name),
        quota=quota_bytes(live.static, config.quota_message_size),
    )


async def _add_address(visit: Visit) -> Response:
    form = await visit.form()
    added = await add_from(visit, form, name_of(visit))
    if not added:
        return await _page(visit, form, 422)
    return visit.redirect(account_path(name_of(visit)), done=f"{added} now arrives here.")


async def _set_login(visit: Visit) -> Response:
    """Keep everybody out, telling them why, or let them in again."""
    name, form = name_of(visit), await visit.form()
    reason = form.text("reason", max_length=200) if form.flag("disable") else ""
    if form.is_ok:
        try:
            if reason:
                await stop_sign_ins(holdings(visit), name, reason)
            else:
                await asyncio.to_thread(set_login_disabled, visit.services.live, name, "")
        except MailError as error:
            explain(form, error, "reason")
    if not form.is_ok:
        return await _page(visit, form, 422)
    done = "Nobody can sign in now; who was signed in is not any more." if reason else "Signing in works again."
    return visit.redirect(account_path(name), done=done)


async def _show_password(visit: Visit) -> Response:
    return account_page(visit, "admin/account-password.html")


async def _set_password(visit: Visit) -> Response:
    """To one that is made here, or to what was typed."""
    name, form = name_of(visit), await visit.form()
    is_made = form.flag("make")
    password = make_password() if is_made else form.password("new")
    try:
        made = await asyncio.to_thread(credentials.derive, password) if form.is_ok else None
    except credentials.BadPassword as error:
        explain(form, error, "new")
        made = None
    if made is None:
        return account_page(visit, "admin/account-password.html", 422, form=form)
    account = await visit.services.accounts.open(name)
    await passwords.replace(account, visit.services.server.sessions, made)
    if is_made:
        return visit.render("admin/account-made.html", name=name, address="", password=password, is_new=False)
    return visit.redirect(account_path(name), done="The password is changed. Browsers of the account are signed out.")


async def _show_signins(visit: Visit) -> Response:
    server, name = visit.services.server, name_of(visit)
    path = account_path(name)
    return account_page(
        visit,
        "admin/account-signins.html",
        attempts=await server.attempts.list(name, ALL_SIGN_INS),
        sessions=await server.sessions.list(Kind.ACCOUNT, name),
        below=lambda rest: visit.url(path + rest),
        shown=ALL_SIGN_INS,
    )


async def _end_session(visit: Visit) -> Response:
    number = visit.params["id"]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise NotFound("")
    await visit.services.server.sessions.end(int(number), account=name_of(visit))
    return visit.redirect(f"{account_path(name_of(visit))}/signins", done="That browser is signed out.")


async def _end_sessions(visit: Visit) -> Response:
    await visit.services.server.sessions.end_all(Kind.ACCOUNT, name_of(visit))
    return visit.redirect(f"{account_path(name_of(visit))}/signins", done="All browsers of the account are signed out.")


ROUTES = (
    page("/accounts/{account}", _show),
    action("/accounts/{account}/addresses", _add_address),
    action("/accounts/{account}/login", _set_login),
    page("/accounts/{account}/password", _show_password),
    action("/accounts/{account}/password", _set_password),
    page("/accounts/{account}/signins", _show_signins),
    action("/accounts/{account}/sessions/{id}/end", _end_session),
    action("/accounts/{account}/sessions/end-all", _end_sessions),
)
