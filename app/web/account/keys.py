"""Keys with which mail programs sign in instead of the password: listed, added, made here, removed.

Adding one asks for the password again, as a key opens the account for as long as it is registered.
"""

from __future__ import annotations

from starlette.responses import Response

from app.errors import Refusal
from app.operations.clientkeys import GeneratedKey, Wish, generate, register
from app.store.clientkeys import MAX_CERTIFICATE_BYTES, MAX_NAME
from app.web.account.devices import sending_addresses
from app.web.account.holder import config_of
from app.web.account.password import require_present
from app.web.forms import Form
from app.web.visit import Visit, action, page

_FILE = "mail-key.pem"
_TEMPLATE = "account/keys.html"


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200, made: GeneratedKey | None = None) -> Response:
    keys = await visit.services.server.keys.list(visit.session.account)
    choices = [(address, address) for address in _addresses(visit)]
    return visit.render(_TEMPLATE, status, form=form, keys=keys, addresses=choices, made=made)


def _addresses(visit: Visit) -> list[str]:
    """The one that was signed in with comes first."""
    own = visit.session.login_address
    return sorted(map(str, sending_addresses(config_of(visit)).values()), key=lambda address: address != own)


async def _add(visit: Visit) -> Response:
    """The key of a certificate that was pasted."""
    form = await visit.form()
    pem = "\n".join(form.lines("certificate", max_length=4 * MAX_CERTIFICATE_BYTES))
    if await _register(visit, form, pem):
        return visit.redirect("/keys", done="The key is registered. A program that has it needs no password.")
    return await _page(visit, form, 422)


async def _make(visit: Visit) -> Response:
    """A new key, shown once or sent as a file; only its certificate is kept."""
    form = await visit.form()
    made = generate(form.text("name", required=False, max_length=MAX_NAME), visit.services.clock)
    if not await _register(visit, form, made.certificate):
        return await _page(visit, form, 422)
    if form.flag("as_file"):
        headers = {"Content-Disposition": f'attachment; filename="{_FILE}"', "Cache-Control": "no-store"}
        return Response(made.combined, media_type="application/x-pem-file", headers=headers)
    return await _page(visit, Form(), made=made)


async def _register(visit: Visit, form: Form, pem: str) -> bool:
    """Whether it was done; else the form says why not."""
    address = form.choice("address", _addresses(visit))
    name = form.text("name", required=False, max_length=MAX_NAME)
    await require_present(visit, form)
    if not form.is_ok:
        return False
    services = visit.services
    wish = Wish(address=address, pem=pem, name=name, no_imap_preauth=form.flag("no_imap_preauth"))
    try:
        await register(services.server.keys, services.live.dynamic, services.clock, wish)
    except Refusal as error:
        form.fail("certificate", f"{error.public[:1].upper()}{error.public[1:]}.")
    return form.is_ok


async def _remove(visit: Visit) -> Response:
    form = await visit.form()
    gone = await visit.services.server.keys.remove(form.text("fingerprint"), account=visit.session.account)
    return visit.redirect("/keys", done="The key is removed and signs nobody in any more." if gone else "")


ROUTES = (page("/keys", _show), action("/keys", _add), action("/keys/made", _make), action("/keys/removed", _remove))
