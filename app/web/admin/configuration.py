"""Both configuration files as text: checked whole, the difference shown before saving, saved in one step.

A text is saved only when it is the one whose difference was shown. Who saves after somebody else is told what the other
changed, keeps what was typed, and decides again. Secrets are stars, which stand for what the file has.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from app.config import pending
from app.config.configfile import Plan, digest
from app.config.history import History
from app.config.live import Live
from app.config.loading import DOMAINS_CONF, load
from app.config.staticfile import StaticFile
from app.errors import ConfigError, Conflict, MailError, Problem
from app.web.errors import NotFound
from app.web.faults import WHOLE_FORM, explain
from app.web.forms import Form
from app.web.visit import Visit, action, page

MOX_CONF = "mox.conf"
MAX_PROBLEMS = 100
MAX_NOTE = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """A problem, with the line it is about."""

    problem: Problem
    text: str


def file_of(visit: Visit) -> Live | StaticFile:
    """The file that the path names; both kinds have the same methods."""
    live = visit.services.live
    name = visit.params["file"]
    if name == DOMAINS_CONF:
        return live
    if name == MOX_CONF:
        return live.static_file
    raise NotFound("")


def history_of(visit: Visit) -> History:
    """The versions of the file that the path names."""
    return file_of(visit).history


async def _show(visit: Visit) -> Response:
    live = visit.services.live
    loaded = await asyncio.to_thread(load, live.path, files=False)
    return visit.render(
        "admin/configuration.html",
        waiting=await asyncio.to_thread(live.static_file.waiting),
        versions={DOMAINS_CONF: await _newest(live.history), MOX_CONF: await _newest(live.static_file.history)},
        pending=pending.without_effect(loaded.static, loaded.dynamic),
        problems=loaded.problems,
        directory=live.config_dir,
    )


async def _newest(history: History) -> Sequence[object]:
    return (await asyncio.to_thread(history.list))[:1]


async def _edit(visit: Visit) -> Response:
    shown = await asyncio.to_thread(file_of(visit).shown)
    return _page(visit, Form.showing({"text": shown.text, "seen": shown.digest}))


def _page(visit: Visit, form: Form, status: int = 200, **values: object) -> Response:
    """The editor; `plan` is what a check found, `theirs` what somebody else changed meanwhile."""
    about: dict[str, object] = {"plan": None, "faults": [], "theirs": (), "checked": "", **values}
    return visit.render("admin/configuration-edit.html", status, form=form, file=visit.params["file"], **about)


async def _check(visit: Visit) -> Response:
    return await _checked(visit, await visit.form())


async def _checked(visit: Visit, form: Form, theirs: Sequence[str] = ()) -> Response:
    """What is wrong with the text, or what it would change."""
    text = form.value("text").encode("utf-8", "surrogateescape")
    plan = await asyncio.to_thread(file_of(visit).plan_text, text)
    status = 409 if theirs else 422 if plan.problems else 200
    return _page(visit, form, status, plan=plan, faults=_faults(plan, text), theirs=theirs, checked=_mark(text))


def _faults(plan: Plan, text: bytes) -> list[Faulty]:
    lines = text.decode("utf-8", "replace").splitlines()
    return [
        Faulty(problem=one, text=lines[one.line - 1].strip() if 0 < one.line <= len(lines) else "")
        for one in plan.problems[:MAX_PROBLEMS]
    ]


def _mark(text: bytes) -> str:
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


async def _save(visit: Visit) -> Response:
    form = await visit.form()
    text = form.value("text").encode("utf-8", "surrogateescape")
    note = form.text("note", required=False, max_length=MAX_NOTE)
    if form.value("checked") != _mark(text) or not form.is_ok:
        return await _checked(visit, form)
    file, name = file_of(visit), visit.params["file"]
    try:
        await asyncio.to_thread(file.replace_text, text, form.value("seen"), visit.by, note)
    except Conflict as conflict:
        theirs = await asyncio.to_thread(_since, file.history, form.value("seen"))
        return await _checked(visit, _seen(form, conflict), theirs or ["somebody else changed the file"])
    except ConfigError:
        return await _checked(visit, form)
    except MailError as error:
        explain(form, error, WHOLE_FORM)
        return _page(visit, form, 503)
    done = "Saved, and in effect." if name == DOMAINS_CONF else "Saved. It takes effect when the server starts next."
    return visit.redirect("/configuration", done=done)


def _seen(form: Form, conflict: Conflict) -> Form:
    """The same form, which knows the file as it is now: the check shows what saving it would change."""
    return Form({**form.values, "seen": (conflict.digest,)}, form.errors)


def _since(history: History, seen: str) -> Sequence[str]:
    """What was changed since the version that somebody saw; nothing when that is not known."""
    present = history.path.read_bytes()
    for version in history.list():
        if digest(history.text(version.number)) == seen:
            return history.diff(version.number, present)
    return ()


ROUTES = (
    page("/configuration", _show),
    page("/configuration/{file}", _edit),
    action("/configuration/{file}/check", _check),
    action("/configuration/{file}/save", _save),
)
