"""The versions of a configuration file: who changed what, and the way back to one."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from app.config.history import NoSuchVersion, Version
from app.config.loading import DOMAINS_CONF
from app.config.masking import diff
from app.errors import ConfigError, Conflict
from app.web.admin.configuration import file_of, history_of
from app.web.admin.queue import number_of
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page


async def _show(visit: Visit) -> Response:
    versions = await asyncio.to_thread(history_of(visit).list)
    return visit.render("admin/history.html", file=visit.params["file"], versions=versions)


async def _show_one(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    file, version = file_of(visit), await _version(visit)
    shown = await asyncio.to_thread(file.shown)
    present = await asyncio.to_thread(file.history.path.read_bytes)
    return visit.render(
        "admin/history-one.html",
        status,
        form=form,
        file=visit.params["file"],
        version=version,
        is_oldest=(await asyncio.to_thread(file.history.list))[-1].number == version.number,
        seen=shown.digest,
        changes=await asyncio.to_thread(file.history.changes, version.number),
        back=diff(present, await asyncio.to_thread(file.history.text, version.number)),
    )


async def _version(visit: Visit) -> Version:
    number = number_of(visit.params["number"])
    for version in await asyncio.to_thread(history_of(visit).list):
        if version.number == number:
            return version
    raise NotFound("This version is not kept (any more).")


async def _restore(visit: Visit) -> Response:
    form, file, version = await visit.form(), file_of(visit), await _version(visit)
    try:
        await asyncio.to_thread(file.restore, version.number, form.value("seen"), visit.by)
    except (ConfigError, Conflict) as error:
        explain(form, error)
        return await _page(visit, form, 409)
    except NoSuchVersion as error:
        raise NotFound("This version is not kept any more.") from error
    at_once = visit.params["file"] == DOMAINS_CONF
    after = "It is in effect." if at_once else "It takes effect when the server starts next."
    return visit.redirect("/configuration", done=f"Version {version.number} is back. {after}")


ROUTES = (
    page("/configuration/{file}/history", _show),
    page("/configuration/{file}/history/{number}", _show_one),
    action("/configuration/{file}/history/{number}/restore", _restore),
)
