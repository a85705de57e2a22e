"""The operations of the control socket about addresses that an account does not send to."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable

from app.config.live import Live
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import NoSuchAccount, WireError
from app.store.suppressions import Suppressions
from app.wire.smtp.address import Address, parse_address

MAX_ROWS = 10_000


def suppression_operations(live: Live, suppressions: Suppressions) -> dict[str, Operation]:
    """The operations by name."""
    table: dict[str, Callable[[Live, Suppressions, Call], Awaitable[Json]]] = {
        "queuesuppresslist": _list,
        "queuesuppressadd": _add,
        "queuesuppressremove": _remove,
        "queuesuppresslookup": _look_up,
    }
    return {name: functools.partial(operation, live, suppressions) for name, operation in table.items()}


async def _list(live: Live, suppressions: Suppressions, call: Call) -> Json:
    found = await suppressions.list(call.arguments.text("account", ""))
    return [dataclasses.asdict(one) for one in found[:MAX_ROWS]]


async def _add(live: Live, suppressions: Suppressions, call: Call) -> Json:
    account = call.arguments.text("account")
    if account not in live.dynamic.accounts:
        raise NoSuchAccount(f"there is no account {account!r}")
    await suppressions.add(account, _address(call.arguments), call.arguments.text("reason", ""))
    return None


async def _remove(live: Live, suppressions: Suppressions, call: Call) -> Json:
    account, address = call.arguments.text("account"), _address(call.arguments)
    if not await suppressions.remove(account, address):
        raise ControlError(f"account {account!r} has not suppressed {address}")
    return None


async def _look_up(live: Live, suppressions: Suppressions, call: Call) -> Json:
    found = await suppressions.list(call.arguments.text("account", ""), _address(call.arguments))
    return [dataclasses.asdict(one) for one in found]


def _address(arguments: Arguments) -> Address:
    text = arguments.text("address")
    try:
        return parse_address(text)
    except WireError as error:
        raise ControlError(f"{text!r} is no address: {error}") from None
