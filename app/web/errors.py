"""From an exception to the page that tells of it: the one table for HTTP."""

from __future__ import annotations

import traceback

from starlette.responses import HTMLResponse, Response

from app.errors import ConfigError, MailError, NoSuchAccount, NoSuchMailbox, OverQuota, Refusal, Temporary
from app.log import logger
from app.metrics import PANICS
from app.web.exchange import Exchange
from app.web.templates import render

log = logger("http")


class NotFound(MailError):
    """There is no such page, or what it is about is gone."""


_STATUS: tuple[tuple[type[MailError], int, str], ...] = (
    (NotFound, 404, "There is no such page"),
    (NoSuchAccount, 404, "There is no such account"),
    (NoSuchMailbox, 404, "There is no such mailbox"),
    (ConfigError, 409, "This would not be a correct configuration"),
    (OverQuota, 409, "The account is full"),
    (Temporary, 503, "This did not work just now"),
    (Refusal, 409, "This cannot be done"),
    (MailError, 500, "This did not work"),
)


def error_page(error: Exception, base: str, exchange: Exchange | None = None) -> Response:
    """What is shown instead of the page that was asked for; an unexpected exception says nothing of its text."""
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return _page(base, status, title, _sentences(error))
    trace = "".join(traceback.format_exception(error))
    PANICS.labels("http").inc()
    log.error("page failed", cid=exchange.cid if exchange is not None else None, trace=trace)
    where = f" about {exchange.reference}" if exchange is not None else ""
    return _page(base, 500, "Something went wrong here", [f"This is a fault of the program; its log says more{where}."])


def _sentences(error: MailError) -> list[str]:
    if isinstance(error, ConfigError):
        return [str(problem) for problem in error.problems[:20]]
    text = error.public if isinstance(error, Refusal) else str(error)
    return [text[:1].upper() + text[1:]] if text else []


def _page(base: str, status: int, title: str, sentences: list[str]) -> Response:
    body = render("error.html", base=base, title=title, sentences=sentences)
    return HTMLResponse(body, status, {"Cache-Control": "no-store"})
