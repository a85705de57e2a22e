"""Archives of mail: the form that uploads one, how its import is coming along, and what became of earlier ones.

The upload needs the browser; the import that follows belongs to the server, so the page may be closed, and goes on
after a restart.
"""

from __future__ import annotations

from starlette.responses import Response

from app.errors import BadMailboxName, Refusal
from app.operations.mailimport.run import Progress
from app.store.account import archives
from app.store.account.archives import Wishes
from app.web.forms import Form
from app.web.uploadform import UploadForm, read_upload
from app.web.visit import Visit, action, page, upload
from app.wire.imap.mailboxname import SEPARATOR, canonical

MAX_NAME = 200


def _progress(visit: Visit) -> Progress | None:
    return visit.services.imports.archives.find(visit.session.account)


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    progress = _progress(visit)
    under_way = progress if progress is not None and not progress.is_over else None  # else it is in the list by now
    account = await visit.services.accounts.open(visit.session.account)
    found = await account.read(archives.listed)
    return visit.render(
        "account/archive.html",
        status,
        form=form,
        progress=under_way,
        waiting=await visit.services.imports.archives.waiting(account),
        archives=[one for one in found if one.ended is not None],
    )


async def _state(visit: Visit) -> Response:
    """The part that refreshes itself; when nothing is under way any more the page shows what became of it."""
    progress = _progress(visit)
    if progress is None or progress.is_over:
        return visit.redirect("/archive")
    return visit.render("account/archive-state.html", progress=progress)


async def _upload(visit: Visit) -> Response:
    imports, name = visit.services.imports.archives, visit.session.account
    form = await read_upload(visit, "archive")
    wishes = _wishes(form)
    if wishes is None:
        await form.drain()
        return await _page(visit, form, 422)
    arriving = imports.receive(name)
    try:
        async for data in form.chunks():
            await arriving.write(data)
        if not arriving.size:
            raise Refusal("this file is empty")
    except BaseException:
        arriving.discard()
        raise
    await imports.start(name, arriving, wishes)
    return visit.redirect("/archive")


def _wishes(form: UploadForm) -> Wishes | None:
    """What was asked for; None when something is wrong with it."""
    into = form.text("into", required=False)
    strip = form.text("strip", required=False)
    if not form.filename:
        form.fail("archive", "Please choose a file.")
    try:
        into = canonical(into.rstrip(SEPARATOR)) + SEPARATOR if into else ""
    except BadMailboxName as error:
        form.fail("into", f"This is no name for a mailbox: {error}.")
    if not form.is_ok:
        return None
    shown = "".join(char for char in form.filename if char.isprintable())[-MAX_NAME:]
    return Wishes(name=shown or "mail", into=into, strip=strip, skips_present=not form.flag("copies"))


async def _cancel(visit: Visit) -> Response:
    await visit.services.imports.archives.cancel(visit.session.account)
    return visit.redirect("/archive", done="No more is imported. What is here stays.")


async def _resume(visit: Visit) -> Response:
    await visit.services.imports.archives.resume(visit.session.account)
    return visit.redirect("/archive")


async def _drop(visit: Visit) -> Response:
    await visit.services.imports.archives.drop(visit.session.account)
    return visit.redirect("/archive", done="The file was removed here.")


ROUTES = (
    page("/archive", _show),
    page("/archive/state", _state),
    upload("/archive", _upload),
    action("/archive/cancel", _cancel),
    action("/archive/resume", _resume),
    action("/archive/drop", _drop),
)
