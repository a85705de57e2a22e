"""Operations of the control socket that change domains.conf: accounts, addresses, aliases, domains.

Each is a function of `Holdings` and the arguments, so that a command can call it without a server too, when it has the
lock of the data directory. What a person typed comes as text; refusals are sentences. The history of the configuration
names the command line as who did it.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from app.config.history import signed
from app.config.lookup import destination_address
from app.ctl import aliascommands, domaincommands, keycommands
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.errors import ConfigError, Refusal, WireError
from app.operations import accounts, removedaccounts
from app.operations.edits import need_account
from app.operations.removedaccounts import Holdings

ConfigOperation: TypeAlias = Callable[[Holdings, Arguments], Awaitable[Json]]
AUTHOR = "command line"


def config_operations(holdings: Holdings) -> dict[str, Operation]:
    """The operations by name, for a control server."""
    return {name: functools.partial(_answer, name, holdings) for name in OPERATIONS}


async def perform(name: str, holdings: Holdings, arguments: Arguments) -> Json:
    """Carry one out; raises Refusal for what a person is told, and Temporary."""
    with signed(AUTHOR):
        try:
            return await OPERATIONS[name](holdings, arguments)
        except ConfigError as error:
            if any(problem.line for problem in error.problems):  # the file was wrong before
                raise
            raise Refusal("\n".join(f"{problem.path}: {problem.text}" for problem in error.problems)) from None


async def _answer(name: str, holdings: Holdings, call: Call) -> Json:
    return await perform(name, holdings, call.arguments)


async def _list(holdings: Holdings, arguments: Arguments) -> Json:
    found = holdings.live.dynamic.accounts
    return [{"name": name, "disabled": account.login_disabled} for name, account in found.items()]


async def _add(holdings: Holdings, arguments: Arguments) -> Json:
    name, address = arguments.text("account"), arguments.text("address")
    await asyncio.to_thread(accounts.add_account, holdings.live, name, address)
    return None


async def _remove(holdings: Holdings, arguments: Arguments) -> Json:
    """Gives the id by which the account comes back."""
    return (await removedaccounts.remove_account(holdings, arguments.text("account"))).id


async def _removed(holdings: Holdings, arguments: Arguments) -> Json:
    found = await asyncio.to_thread(removedaccounts.removed_accounts, holdings.live.data_dir)
    return [{"id": one.id, "name": one.name, "removed": one.removed, "addresses": list(one.addresses)} for one in found]


async def _restore(holdings: Holdings, arguments: Arguments) -> Json:
    return await removedaccounts.restore_account(holdings, arguments.text("id"))


async def _erase(holdings: Holdings, arguments: Arguments) -> Json:
    return await removedaccounts.erase_removed(holdings, arguments.text("id"))


async def _addresses(holdings: Holdings, arguments: Arguments) -> Json:
    account = need_account(holdings.live.dynamic, arguments.text("account"))
    return [*sorted(account.destinations, key=_by_domain)]


def _by_domain(key: str) -> tuple[str, bool, str]:
    """Addresses of a domain together, its catchall last."""
    try:
        localpart, domain = destination_address(key)
    except WireError:
        return "", False, key
    return domain.unicode, not localpart, localpart


async def _disable(holdings: Holdings, arguments: Arguments) -> Json:
    await removedaccounts.stop_sign_ins(holdings, arguments.text("account"), arguments.text("reason"))
    return None


async def _enable(holdings: Holdings, arguments: Arguments) -> Json:
    await asyncio.to_thread(accounts.set_login_disabled, holdings.live, arguments.text("account"), "")
    return None


async def _add_address(holdings: Holdings, arguments: Arguments) -> Json:
    address, account = arguments.text("address"), arguments.text("account")
    await asyncio.to_thread(accounts.add_address, holdings.live, address, account)
    return None


async def _remove_address(holdings: Holdings, arguments: Arguments) -> Json:
    await asyncio.to_thread(accounts.remove_address, holdings.live, arguments.text("address"))
    return None


async def _account_of(holdings: Holdings, arguments: Arguments) -> Json:
    return accounts.account_with(holdings.live.dynamic, arguments.text("address"))


OPERATIONS: dict[str, ConfigOperation] = {
    "accountlist": _list,
    "accountadd": _add,
    "accountrm": _remove,
    "accountremoved": _removed,
    "accountrestore": _restore,
    "accounterase": _erase,
    "accountaddresses": _addresses,
    "accountdisabled": _disable,
    "accountenable": _enable,
    "addressadd": _add_address,
    "addressrm": _remove_address,
    "addressaccount": _account_of,
    **aliascommands.OPERATIONS,
    **domaincommands.OPERATIONS,
    **keycommands.OPERATIONS,
}
