"""How much each part of the server writes to its log, until the next start."""

from __future__ import annotations

from starlette.responses import Response

from app.errors import Refusal
from app.ids import format_cid
from app.log import Level, logger, parse_level
from app.operations.loglevels import PACKAGES, clear_level, levels, set_level
from app.web.forms import Form
from app.web.visit import Visit, action, page

WORDS = {
    Level.ERROR: "what does not work here",
    Level.WARN: "also what somebody should look at some day",
    Level.INFO: "also what happens in normal running",
    Level.DEBUG: "also how it is done",
    Level.TRACE: "also every line of the protocols, without passwords and messages",
    Level.TRACEAUTH: "also the lines of signing in: passwords are in the log",
    Level.TRACEDATA: "also messages: what people write is in the log",
}
ALL = ""

_log = logger("http")


async def _show(visit: Visit) -> Response:
    return _page(visit, Form.showing({"package": "smtpserver", "level": "debug"}))


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    present, static = levels(), visit.services.live.static
    names = list(dict.fromkeys([*PACKAGES, *present.packages]))
    return visit.render(
        "admin/loglevels.html",
        status,
        form=form,
        present=present,
        words=WORDS,
        about=PACKAGES,
        configured=static.log_level,
        has_secrets=present.most < Level.TRACE,
        packages=[(ALL, "all without a level of their own"), *((name, _named(name)) for name in names)],
        options=[(level.name.lower(), f"{level.name.lower()}: {text}") for level, text in WORDS.items()],
    )


def _named(package: str) -> str:
    return f"{package}: {PACKAGES[package]}" if package in PACKAGES else package


async def _set(visit: Visit) -> Response:
    form = await visit.form()
    package = form.choice("package", [ALL, *PACKAGES, *levels().packages])
    level = form.choice("level", [level.name.lower() for level in WORDS])
    if not form.is_ok:
        return _page(visit, form, 422)
    set_level(package, parse_level(level))
    _log.info("log level set", package=package or "(default)", level=level, by=visit.by)
    return visit.redirect("/loglevels", done=f"{package or 'Everything else'} now writes at the level {level}.")


async def _clear(visit: Visit) -> Response:
    package = (await visit.form()).value("package")
    if package in levels().packages:
        clear_level(package)
        _log.info("log level removed", package=package, by=visit.by)
    return visit.redirect("/loglevels", done="The level is removed; the default applies.")


async def _find(visit: Visit) -> Response:
    form = await visit.form()
    try:
        number = visit.services.received_ids.unseal(form.value("id"))
    except Refusal as refusal:
        form.fail("id", f"{refusal.public[:1].upper()}{refusal.public[1:]}.")
        return _page(visit, form, 422)
    return visit.redirect("/loglevels", done=f"Look for cid={format_cid(number)} in the log.")


ROUTES = (
    page("/loglevels", _show),
    action("/loglevels", _set),
    action("/loglevels/clear", _clear),
    action("/loglevels/find", _find),
)
