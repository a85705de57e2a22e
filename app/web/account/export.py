"""All mail, or that of a mailbox, as a file to keep or to take elsewhere; made while it is downloaded.

A download that breaks off is not whole, and the browser says so: an archive ends with its table.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response, StreamingResponse

from app.errors import Refusal
from app.log import logger
from app.operations.mailexport.run import MEDIA_TYPES, Container, Format, Wanted, stream
from app.operations.mailexport.source import Tally, choose
from app.store.account import mailboxes
from app.web.visit import Visit, page

PIECE: Final = 256 * 1024
MAX_AT_ONCE: Final = 4  # of all accounts; each keeps a thread busy
_FORMATS: Final = {
    Format.MBOX.value: "mbox: one file for each mailbox; for Thunderbird, Apple Mail, other providers",
    Format.MAILDIR.value: "Maildir: one file for each message; for other mail servers, and to come back here",
}
_CONTAINERS: Final = {Container.ZIP.value: "zip", Container.TGZ.value: "tgz (tar, compressed)"}
_SUFFIXES: Final = {Container.ZIP: "zip", Container.TGZ: "tgz", Container.NONE: "mbox"}

log = logger("export")


class _Downloads:
    """Those that are being made."""

    count = 0


async def _show(visit: Visit) -> Response:
    account = await visit.services.accounts.open(visit.session.account)
    return visit.render(
        "account/export.html",
        mailboxes=await account.read(mailboxes.all_mailboxes),
        formats=list(_FORMATS.items()),
        containers=list(_CONTAINERS.items()),
    )


async def _download(visit: Visit) -> Response:
    name, wanted, tally = visit.session.account, _wanted(visit), Tally()
    account = await visit.services.accounts.open(name)
    await asyncio.to_thread(choose, account, wanted.mailbox)  # what is asked for may be gone: told as a page
    if _Downloads.count >= MAX_AT_ONCE:
        raise Refusal("others are exporting their mail right now; try again a little later")
    log.info("export begins", account=name, format=wanted.format.value)
    chunks = _sent(stream(account, wanted, tally, visit.services.accounts.tmp_dir))
    day = datetime.fromtimestamp(visit.services.clock.now(), UTC)
    plain = "-".join(re.findall(r"[A-Za-z0-9._]+", f"{name} {wanted.mailbox}")) or "mail"
    disposition = f'attachment; filename="{plain}-{day:%Y-%m-%d}.{_SUFFIXES[wanted.container]}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return StreamingResponse(chunks, media_type=MEDIA_TYPES[wanted.container], headers=headers)


def _wanted(visit: Visit) -> Wanted:
    query = visit.request.query_params
    form, container, mailbox = query.get("format", ""), query.get("archive", ""), query.get("mailbox", "")
    if form not in _FORMATS or container not in _CONTAINERS:
        raise Refusal("this cannot be exported; choose on the page before")
    return Wanted(format=Format(form), container=Container(container), mailbox=mailbox, is_single="below" not in query)


async def _sent(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, made in threads; a client that goes away ends it."""
    _Downloads.count += 1
    try:
        while data := await asyncio.to_thread(_piece, chunks):
            yield data
    finally:
        _Downloads.count -= 1


def _piece(chunks: Iterator[bytes]) -> bytes:
    found, size = [], 0
    for chunk in chunks:
        found.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            break
    return b"".join(found)


ROUTES = (page("/export", _show), page("/export/file", _download))
