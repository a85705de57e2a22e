"""Operations of the control socket about domains; see `configcommands.py` for how they are called."""

from __future__ import annotations

import asyncio

from app.ctl.protocol import Arguments, Json
from app.operations import domains
from app.operations.domains import NewDomain, parse_domain_name, parse_local_domain
from app.operations.removedaccounts import Holdings


async def _list(holdings: Holdings, arguments: Arguments) -> Json:
    found = holdings.live.dynamic.domains
    return [{"name": str(domain), "disabled": config.disabled} for domain, config in found.items()]


async def _add(holdings: Holdings, arguments: Arguments) -> Json:
    live = holdings.live
    new = NewDomain(
        domain=parse_domain_name(arguments.text("domain")),
        hostname=live.static.hostname,
        account=arguments.text("account"),
        serves_mtasts=domains.serves_mtasts(live.static),
        disabled=arguments.flag("disabled"),
    )
    localpart, now = arguments.text("localpart", ""), holdings.clock.now()
    await asyncio.to_thread(domains.add_domain, live, new, localpart, now)
    return None


async def _remove(holdings: Holdings, arguments: Arguments) -> Json:
    domain = parse_local_domain(holdings.live.dynamic, arguments.text("domain")).domain
    await asyncio.to_thread(domains.remove_domain, holdings.live, domain)
    return None


async def _set_disabled(holdings: Holdings, arguments: Arguments) -> Json:
    domain = parse_local_domain(holdings.live.dynamic, arguments.text("domain")).domain
    await asyncio.to_thread(domains.set_disabled, holdings.live, domain, arguments.flag("disabled"))
    return None


OPERATIONS = {
    "domainlist": _list,
    "domainadd": _add,
    "domainrm": _remove,
    "domaindisabled": _set_disabled,
}
