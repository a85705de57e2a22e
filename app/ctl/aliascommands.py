"""Operations of the control socket about aliases; see `configcommands.py` for how they are called."""

from __future__ import annotations

import asyncio

from app.config.dynamic import Alias
from app.ctl.protocol import Arguments, Json
from app.operations import aliases
from app.operations.aliases import AliasFlags
from app.operations.domains import parse_local_domain
from app.operations.removedaccounts import Holdings


async def _list(holdings: Holdings, arguments: Arguments) -> Json:
    found = parse_local_domain(holdings.live.dynamic, arguments.text("domain"))
    return [f"{localpart}@{found.domain}" for localpart in found.config.aliases]


async def _print(holdings: Holdings, arguments: Arguments) -> Json:
    found = aliases.find_alias(holdings.live.dynamic, arguments.text("alias"))
    return {
        "address": found.address,
        "members": list(found.alias.addresses),
        "postpublic": found.alias.post_public,
        "listmembers": found.alias.list_members,
        "allowmsgfrom": found.alias.allow_msg_from,
    }


async def _add(holdings: Holdings, arguments: Arguments) -> Json:
    """Anyone may write to a new alias, as an address is there to be written to."""
    new = Alias(addresses=arguments.texts("members"), post_public=True)
    await asyncio.to_thread(aliases.add_alias, holdings.live, arguments.text("alias"), new)
    return None


async def _update(holdings: Holdings, arguments: Arguments) -> Json:
    flags = AliasFlags(
        post_public=arguments.optional_flag("postpublic"),
        list_members=arguments.optional_flag("listmembers"),
        allow_msg_from=arguments.optional_flag("allowmsgfrom"),
    )
    await asyncio.to_thread(aliases.update_alias, holdings.live, arguments.text("alias"), flags)
    return None


async def _remove(holdings: Holdings, arguments: Arguments) -> Json:
    await asyncio.to_thread(aliases.remove_alias, holdings.live, arguments.text("alias"))
    return None


async def _add_members(holdings: Holdings, arguments: Arguments) -> Json:
    alias, members = arguments.text("alias"), arguments.texts("members")
    await asyncio.to_thread(aliases.add_members, holdings.live, alias, members)
    return None


async def _remove_members(holdings: Holdings, arguments: Arguments) -> Json:
    alias, members = arguments.text("alias"), arguments.texts("members")
    await asyncio.to_thread(aliases.remove_members, holdings.live, alias, members)
    return None


OPERATIONS = {
    "aliaslist": _list,
    "aliasprint": _print,
    "aliasadd": _add,
    "aliasupdate": _update,
    "aliasrm": _remove,
    "aliasaddaddr": _add_members,
    "aliasrmaddr": _remove_members,
}
