"""Mail from another server: the form, how an import is coming along, and from where mail was taken before.

An import belongs to the server, so the page may be closed meanwhile. The password is handed to it and not kept; a
further import asks for it again.
"""

from __future__ import annotations

from starlette.responses import Response

from app.errors import Refusal
from app.net.imapclient import Security
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.wanted import MAX_TEXT, Wanted, make_endpoint, make_login, parse_host
from app.store.account import imports
from app.store.account.imports import Source
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.visit import Visit, action, page

_SECURITY = {
    Security.TLS.value: "Encrypted (TLS, port 993)",
    Security.STARTTLS.value: "Encrypted after the start (STARTTLS, port 143)",
    Security.NONE.value: "Not encrypted: others on the way can read the password and the mail",
}


async def _sources(visit: Visit) -> list[Source]:
    account = await visit.services.accounts.open(visit.session.account)
    return await account.read(imports.sources)


def _progress(visit: Visit) -> Progress | None:
    return visit.services.imports.find(visit.session.account)


async def _show(visit: Visit) -> Response:
    sources = await _sources(visit)
    asked = visit.request.query_params.get("source", "")
    chosen = next((one for one in sources if str(one.id) == asked), None)
    return await _page(visit, Form.showing(_values(chosen)))


def _values(source: Source | None) -> dict[str, str]:
    """What the form shows for a server that mail was taken from."""
    if source is None:
        return {}
    server = source.server
    values = {"host": server.host, "user": server.user, "security": server.security, "port": str(server.port)}
    return values if server.is_verified else values | {"noverify": "yes"}


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.render(
        "account/bring.html",
        status,
        form=form,
        progress=_progress(visit),
        sources=await _sources(visit),
        securities=list(_SECURITY.items()),
    )


async def _state(visit: Visit) -> Response:
    """The part that refreshes itself; when nothing is under way any more the page shows what became of it."""
    progress = _progress(visit)
    if progress is None or progress.is_over:
        return visit.redirect("/bring")
    return visit.render("account/bring-state.html", progress=progress)


async def _start(visit: Visit) -> Response:
    form = await visit.form()
    wanted = _wanted(form)
    if wanted is None:
        return await _page(visit, form, 422)
    try:
        await visit.services.imports.start(visit.session.account, wanted, by_holder=True)
    except Refusal as error:
        sentence = f"{error.public[:1].upper()}{error.public[1:]}."
        progress = _progress(visit)
        if progress is not None and not progress.is_over:  # the page has no form to say it beside
            return visit.redirect("/bring", done=sentence)
        form.fail("host", sentence)
        return await _page(visit, form, 422)
    return visit.redirect("/bring")


def _wanted(form: Form) -> Wanted | None:
    """What was asked for; None when something is wrong with it."""
    host = form.parsed("host", parse_host)
    user, password = form.text("user", max_length=MAX_TEXT), form.password("password")
    security = form.choice("security", _SECURITY)
    port = form.number("port", 1, 65535, default=0)
    if not form.is_ok or host is None:
        return None
    try:
        login = make_login(user, password)
    except Refusal as error:
        form.fail("password", f"{error.public[:1].upper()}{error.public[1:]}.")
        return None
    return Wanted(endpoint=make_endpoint(host, security, port, is_verified=not form.flag("noverify")), login=login)


async def _cancel(visit: Visit) -> Response:
    await visit.services.imports.cancel(visit.session.account)
    return visit.redirect("/bring", done="No more mail is taken. What is here stays; start again to go on from here.")


async def _forget(visit: Visit) -> Response:
    form = await visit.form()
    source = next((one for one in await _sources(visit) if str(one.id) == form.value("id")), None)
    if source is None:
        raise NotFound("mail was not taken from there")
    progress = _progress(visit)
    if progress is not None and not progress.is_over:
        raise Refusal("mail is being taken just now; wait until that is done, or end it")
    account = await visit.services.accounts.open(visit.session.account)
    await account.write(lambda tx: imports.forget(tx, source.id))
    return visit.redirect("/bring", done=f"{source.server.host} is forgotten. The mail that was taken stays here.")


ROUTES = (
    page("/bring", _show),
    page("/bring/state", _state),
    action("/bring", _start),
    action("/bring/cancel", _cancel),
    action("/bring/forget", _forget),
)
