"""The queue: messages on their way to other servers, a row per recipient, and everything about one of them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from app.operations.status.words import age
from app.routing.refusals import explain
from app.store.queuelisting import Order, Row
from app.store.queuerecords import QueueFilter
from app.web.admin.queueview import AGES, ORDERS, STATES, WITHOUT_TRANSPORT, View, read_query, view_of
from app.web.errors import NotFound
from app.web.visit import Visit, page

PAGE_ROWS = 100
MAX_ID = 1 << 62
POSTPONE = {"600": "10 minutes", "3600": "1 hour", "21600": "6 hours", "86400": "1 day", "604800": "1 week"}
TLS = {"default": "as usual", "yes": "only with verified TLS"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a recipient stands, as a mark and in words."""

    badge: str
    words: str


def standing(row: Row, now: float) -> Standing:
    """What happens with a recipient now."""
    one = row.queued
    if row.is_attempting:
        return Standing("waiting", "being sent")
    if one.fail_now:
        return Standing("bad", "is given up")
    if one.hold:
        return Standing("warn", "on hold")
    if one.next_attempt <= now:
        return Standing("unknown", "due now")
    return Standing("warn", "tries again") if one.attempts else Standing("unknown", "waits")


def read_view(visit: Visit, query: str) -> View:
    """The part of the queue that a query says."""
    live = visit.services.live
    accounts, transports = live.dynamic.accounts, live.static.transports
    return view_of(read_query(query), visit.services.clock.now(), accounts, transports)


async def _show(visit: Visit) -> Response:
    view = read_view(visit, visit.request.url.query)
    queue, now = visit.services.queue, visit.services.clock.now()
    found = await queue.look_over(view.which, view.order, view.after, PAGE_ROWS) if view.is_ok else None
    return visit.render(
        "admin/queue.html",
        200 if view.is_ok else 422,
        form=view.form,
        view=view,
        found=found,
        standings=[standing(row, now) for row in found.rows] if found else [],
        **choices(visit),
    )


def choices(visit: Visit) -> dict[str, object]:
    """What the fields of the pages about the queue offer."""
    live = visit.services.live
    names = [(name, name) for name in live.static.transports]
    ages = [(word, f"more than {age(seconds)} ago" if seconds else "any time") for word, seconds in AGES.items()]
    return {
        "accounts": [("", "any"), *((name, name) for name in sorted(live.dynamic.accounts))],
        "transports": [("", "any"), (WITHOUT_TRANSPORT, "by the routes"), *names] if names else [],
        "pinnable": [("", "by the routes"), *names] if names else [],
        "states": STATES,
        "orders": ORDERS,
        "ages": ages,
        "delays": list(POSTPONE.items()),
        "tls": list(TLS.items()),
    }


async def _show_one(visit: Visit) -> Response:
    row = await find_one(visit, visit.params["id"])
    return visit.render(
        "admin/queue-one.html",
        row=row,
        one=row.queued,
        standing=standing(row, visit.services.clock.now()),
        attempts=await visit.services.queue.attempts(row.queued.id),
        explain=explain,
        **choices(visit),
    )


async def _show_dialogue(visit: Visit) -> Response:
    """What was said to the servers in one attempt."""
    row = await find_one(visit, visit.params["id"])
    number = number_of(visit.params["attempt"])
    attempts = {one.id: one for one in await visit.services.queue.attempts(row.queued.id)}
    if number is None or number not in attempts:
        raise NotFound("This attempt is not known any more.")
    return visit.render(
        "admin/queue-dialogue.html",
        one=row.queued,
        attempt=attempts[number],
        dialogue=await visit.services.queue.dialogue(row.queued.id, number),
    )


async def find_one(visit: Visit, text: str) -> Row:
    """The recipient with that number; raises NotFound."""
    gone = "This recipient is not in the queue any more: the message was delivered, given up or removed."
    if (number := number_of(text)) is None:
        raise NotFound(gone)
    found = await visit.services.queue.look_over(QueueFilter(ids=(number,)), Order.NEXT, None, 1)
    if not found.rows:
        raise NotFound(gone)
    return found.rows[0]


def number_of(text: str) -> int | None:
    """The number of a recipient that a text says."""
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and int(text) < MAX_ID else None


ROUTES = (
    page("/queue", _show),
    page("/queue/{id}", _show_one),
    page("/queue/{id}/attempts/{attempt}", _show_dialogue),
)
