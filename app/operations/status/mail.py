"""Mail on its way: what waits in the queue, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.operations.status.finding import Finding, Page, Sources, Subject, act, fine, look
from app.operations.status.words import age, plural
from app.store.queuelisting import Order
from app.store.queuerecords import QueueFilter

STUCK_ATTEMPTS: Final = 3
MAX_STUCK: Final = 5
OVERDUE_S: Final = 3600.0  # an attempt may wait for others to the same domain, but not that long
QUEUE: Final = Page("/queue", "Queue")

_ABOUT: Final = Subject.QUEUE


async def queue(sources: Sources) -> Sequence[Finding]:
    """How mail goes out."""
    found = [*await _stuck(sources), *await _overdue(sources)]
    listing = await sources.queue.look_over(QueueFilter(), Order.OLDEST, None, 1)
    if not listing.rows:
        return [fine(_ABOUT, "The queue is empty", "No mail waits to go out.", QUEUE)]
    oldest = age(sources.clock.now() - listing.rows[0].queued.queued)
    held = f", {listing.held:,} of them on hold" if listing.held else ""
    text = f"{plural(listing.total, 'recipient')}{held}; the oldest for {oldest}."
    return [*found, fine(_ABOUT, "Mail waits in the queue", text, QUEUE)]


async def _stuck(sources: Sources) -> Sequence[Finding]:
    now = sources.clock.now()
    found: list[Finding] = []
    for one in await sources.queue.stuck(STUCK_ATTEMPTS, MAX_STUCK):
        text = (
            f"{plural(one.count, 'recipient')} at {one.domain}, the first for {age(now - one.oldest)}."
            " The last attempt said:"
        )
        quote = one.last.error if one.last and one.last.error else "nothing"
        page = Page(f"/queue?to=@{one.domain}", "Show it in the queue")
        found.append(look(_ABOUT, "Mail is stuck in the queue", text, page, quote))
    return found


async def _overdue(sources: Sources) -> Sequence[Finding]:
    due = QueueFilter(hold=False, next_before=sources.clock.now() - OVERDUE_S)
    listing = await sources.queue.look_over(due, Order.NEXT, None, 1)
    if not listing.rows or listing.rows[0].is_attempting:
        return []
    count = plural(listing.total, "recipient")
    text = f"{count} should have been tried {age(OVERDUE_S)} ago or earlier. Restart the server."
    return [act(_ABOUT, "Mail that is due is not tried", text, QUEUE)]
