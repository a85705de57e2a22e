"""The operations of the control socket about hold rules of the queue."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable

from app.config.live import Live
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import NoSuchAccount, WireError
from app.store.holdrules import HoldRule, HoldRules
from app.wire.domain import parse_domain


def hold_rule_operations(live: Live, rules: HoldRules) -> dict[str, Operation]:
    """The operations by name."""
    table: dict[str, Callable[[Live, HoldRules, Call], Awaitable[Json]]] = {
        "queueholdruleslist": _list,
        "queueholdrulesadd": _add,
        "queueholdrulesremove": _remove,
    }
    return {name: functools.partial(operation, live, rules) for name, operation in table.items()}


async def _list(live: Live, rules: HoldRules, call: Call) -> Json:
    return [dataclasses.asdict(rule) for rule in await rules.all()]


async def _add(live: Live, rules: HoldRules, call: Call) -> Json:
    account = call.arguments.text("account", "")
    if account and account not in live.dynamic.accounts:
        raise NoSuchAccount(f"there is no account {account!r}")
    rule = HoldRule(
        account=account,
        sender_domain=_domain(call.arguments, "sender_domain"),
        recipient_domain=_domain(call.arguments, "recipient_domain"),
    )
    number, held = await rules.add(rule)
    return {"id": number, "held": held}


async def _remove(live: Live, rules: HoldRules, call: Call) -> Json:
    number = int(call.arguments.number("id"))
    if not await rules.remove(number):
        raise ControlError(f"there is no hold rule {number}")
    return None


def _domain(arguments: Arguments, name: str) -> str:
    text = arguments.text(name, "")
    try:
        return parse_domain(text.removesuffix(".")).ascii if text else ""
    except WireError as error:
        raise ControlError(f"{text!r} is not a domain: {error}") from None
