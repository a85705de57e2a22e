"""The first page of the administrator: what is wrong, what changed, and a few figures.

What has to ask the network or to open every account comes a moment later, as a part of its own.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response

from app import VERSION
from app.config.history import Version
from app.config.loading import DOMAINS_CONF
from app.config.static import quota_bytes
from app.operations.checklist import checklist, is_green
from app.operations.status.finding import is_public
from app.operations.status.report import concerns
from app.store.loginattempts import ADMIN
from app.store.queuelisting import Listing, Order
from app.store.queuerecords import QueueFilter
from app.web.admin.accounts import used_bytes
from app.web.admin.configuration import MOX_CONF
from app.web.admin.setupstate import look
from app.web.admin.status import sources_of
from app.web.templates import render
from app.web.visit import Visit, page

CHANGES = 5
SIGN_INS = 5
FULL = 0.9
MAX_ACCOUNTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A version of a configuration file."""

    file: str
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An account that is nearly full."""

    name: str
    used: int
    quota: int


async def _show(visit: Visit) -> Response:
    services = visit.services
    dynamic = services.live.dynamic
    late = await _late(visit) if "look" in visit.request.query_params else None
    return visit.render(
        "admin/overview.html",
        concerns=await concerns(sources_of(visit.services)),
        late=late,
        is_public=is_public(services.live.static),
        changes=await asyncio.to_thread(_changes, visit),
        attempts=await services.server.attempts.list(ADMIN, SIGN_INS),
        domains=len(dynamic.domains),
        accounts=len(dynamic.accounts),
        addresses=sum(len(one.destinations) for one in dynamic.accounts.values()),
        queue=await _queue(visit),
        disk=await asyncio.to_thread(shutil.disk_usage, services.live.data_dir),
        hostname=services.live.static.hostname,
        version=VERSION,
    )


async def _queue(visit: Visit) -> Listing:
    """How many wait, and who is next."""
    return await visit.services.queue.look_over(QueueFilter(), Order.NEXT, None, 1)


def _changes(visit: Visit) -> Sequence[Changed]:
    """The last changes of both files, newest first."""
    live = visit.services.live
    found = [Changed(file=DOMAINS_CONF, version=one) for one in live.history.list()[:CHANGES]]
    found += [Changed(file=MOX_CONF, version=one) for one in live.static_file.history.list()[:CHANGES]]
    return sorted(found, key=lambda one: one.version.time, reverse=True)[:CHANGES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """What takes a moment."""

    items: Sequence[object]  # of the checklist; none for a server that only this machine can reach
    is_green: bool
    is_whole: bool
    full: Sequence[Filled]


async def _late(visit: Visit) -> Late:
    full = await _full_accounts(visit)
    if not is_public(visit.services.live.static):
        return Late(items=(), is_green=True, is_whole=True, full=full)
    found = await look(visit)
    items = checklist(found.facts)
    return Late(items=items, is_green=is_green(items), is_whole=found.is_whole, full=full)


async def _full_accounts(visit: Visit) -> Sequence[Filled]:
    services, found = visit.services, []
    for name, config in list(services.live.dynamic.accounts.items())[:MAX_ACCOUNTS]:
        quota = quota_bytes(services.live.static, config.quota_message_size)
        if quota and (used := await used_bytes(visit, name)) >= FULL * quota:
            found.append(Filled(name=name, used=used, quota=quota))
    return sorted(found, key=lambda one: -one.used / one.quota)


async def _show_late(visit: Visit) -> Response:
    late = await _late(visit)
    part = render("admin/overview-late.html", base=visit.place.base, late=late)
    return HTMLResponse(part, headers={"Cache-Control": "no-store"})


ROUTES = (page("/", _show), page("/overview/late", _show_late))
