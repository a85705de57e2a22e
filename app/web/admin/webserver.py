"""The web sites of this server: redirects of whole names, handlers in their order, and which of them answers a URL.

Every button saves at once, and what it saves is in effect with the next request. A list that somebody else changed
meanwhile is shown again, with nothing done.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

from starlette.responses import Response

from app.config.webhandlers import WebHandler
from app.errors import ConfigError, Conflict, MailError, Refusal
from app.operations import websites
from app.web.admin.handlerform import KINDS, SERVICES, SETTINGS, fields_of, new_fields, read_handler, words_of
from app.web.errors import NotFound
from app.web.faults import WHOLE_FORM, explain
from app.web.forms import Form
from app.web.sites.explain import Step
from app.web.sites.explain import explain as explain_url
from app.web.sites.rules import Rules
from app.web.visit import Visit, action, page
from app.wire.domain import Domain, parse_domain


async def _show(visit: Visit) -> Response:
    form = Form.showing({"url": visit.request.query_params.get("url", "")[:2000]})
    steps: list[Step] = []
    if form.value("url"):
        try:
            steps = await asyncio.to_thread(explain_url, Rules(visit.services.live.dynamic), form.value("url"))
        except Refusal as refusal:
            form.fail("url", f"{refusal.public[:1].upper()}{refusal.public[1:]}.")
    return _page(visit, form, steps=steps)


def _page(visit: Visit, form: Form, status: int = 200, steps: list[Step] | None = None) -> Response:
    live = visit.services.live
    dynamic, listeners = live.dynamic, live.static.listeners.values()
    servers = [web for one in listeners for web in (one.webserver_http, one.webserver_https) if web and web.enabled]
    return visit.render(
        "admin/webserver.html",
        status,
        form=form,
        steps=steps or [],
        redirects=dynamic.web_domain_redirects,
        handlers=[(handler, words_of(handler)) for handler in dynamic.web_handlers],
        seen=websites.seen_handlers(dynamic),
        kinds=KINDS,
        is_on=bool(servers),
    )


async def _change(visit: Visit) -> Response:
    """A button beside a handler: up, down or remove."""
    form = await visit.form()
    verb, _, number = form.value("do").partition(".")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else -1
    live, seen, by = visit.services.live, form.value("seen"), visit.by
    if verb == "remove":
        done = "The handler is removed; an earlier version of domains.conf under Configuration has it."
        return await _saved(visit, form, lambda: websites.remove_handler(live, at, seen=seen, by=by), done)
    to = at + {"up": -1, "down": 1}.get(verb, 0)
    return await _saved(visit, form, lambda: websites.move_handler(live, at, to, seen=seen, by=by), "Moved.")


async def _saved(visit: Visit, form: Form, operation: Callable[[], None], done: str) -> Response:
    """Do it and say so, or show the page again with why not."""
    try:
        await asyncio.to_thread(operation)
    except Conflict:
        form.fail(
            WHOLE_FORM,
            "Somebody else changed the handlers meanwhile. Nothing was done; they are below as they are now.",
        )
        return _page(visit, form, 409)
    except MailError as error:
        explain(form, error, settings={})
        return _page(visit, form, 422)
    return visit.redirect("/webserver", done=done)


async def _edit(visit: Visit) -> Response:
    query = visit.request.query_params
    if "at" not in query:
        if (kind := query.get("kind", "")) not in KINDS:
            raise NotFound("")
        return _editor(visit, Form.showing({**new_fields(kind), "seen": _seen(visit)}), None)
    at, handler = _named(visit, query["at"])
    return _editor(visit, Form.showing({**fields_of(handler), "seen": _seen(visit)}), at)


def _seen(visit: Visit) -> str:
    return websites.seen_handlers(visit.services.live.dynamic)


def _named(visit: Visit, number: str) -> tuple[int, WebHandler]:
    handlers = visit.services.live.dynamic.web_handlers
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else len(handlers)
    if at >= len(handlers):
        raise NotFound("This handler is not there any more.")
    return at, handlers[at]


def _editor(visit: Visit, form: Form, at: int | None, status: int = 200) -> Response:
    kind = form.value("kind")
    values = {"at": at, "kind": kind, "title": KINDS.get(kind, ""), "services": list(SERVICES.items())}
    return visit.render("admin/webserver-handler.html", status, form=form, **values)


async def _save(visit: Visit) -> Response:
    form = await visit.form()
    at = _named(visit, form.value("at"))[0] if form.value("at") else None
    handler = read_handler(form)
    if handler is not None:
        try:
            put = websites.put_handler
            seen, by = form.value("seen"), visit.by
            await asyncio.to_thread(put, visit.services.live, at, handler, seen=seen, by=by)
            return visit.redirect("/webserver", done="Saved, and in effect.")
        except Conflict:
            text = "Somebody else changed the handlers meanwhile. Nothing is saved yet; look at them, then save again."
            form.fail(WHOLE_FORM, text)
            form.values = {**form.values, "seen": (_seen(visit),)}
            return _editor(visit, form, at, 409)
        except (ConfigError, Refusal) as error:
            explain(form, error, settings=SETTINGS)
    return _editor(visit, form, at, 422)


async def _redirect(visit: Visit) -> Response:
    """Add a redirect of a whole name."""
    form = await visit.form()
    source, target = form.parsed("source", parse_domain), form.parsed("target", parse_domain)
    if source is None or target is None:
        return _page(visit, form, 422)
    try:
        await asyncio.to_thread(websites.put_redirect, visit.services.live, source, target, visit.by)
    except MailError as error:
        explain(form, error, "source")
        return _page(visit, form, 422)
    return visit.redirect("/webserver", done=f"{source.unicode} is redirected.")


async def _remove_redirect(visit: Visit) -> Response:
    form = await visit.form()
    source = form.parsed("source", parse_domain) or Domain("")
    operation = functools.partial(websites.remove_redirect, visit.services.live, source, visit.by)
    return await _saved(visit, form, operation, f"{source.unicode} is not redirected any more.")


ROUTES = (
    page("/webserver", _show),
    action("/webserver", _change),
    page("/webserver/handler", _edit),
    action("/webserver/handler", _save),
    action("/webserver/redirect", _redirect),
    action("/webserver/redirect/remove", _remove_redirect),
)
