"""The operations of the control socket about mail that has left the queue."""

from __future__ import annotations

import dataclasses
import functools

from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.server import Call, Operation
from app.store.queuedb import QueueDb
from app.store.retired import RetiredFilter


def retired_operations(queue: QueueDb) -> dict[str, Operation]:
    """The operations by name."""
    table = {"queueretiredlist": _list, "queueretiredprint": _print}
    return {name: functools.partial(operation, queue) for name, operation in table.items()}


async def _list(queue: QueueDb, call: Call) -> Json:
    return [dataclasses.asdict(one) for one in await queue.retired.find(_filter(call.arguments))]


def _filter(arguments: Arguments) -> RetiredFilter:
    return RetiredFilter(
        account=arguments.text("account", ""),
        sender=arguments.text("from", ""),
        recipient=arguments.text("to", ""),
        success=arguments.optional_flag("success"),
        last_before=arguments.optional_number("last_before"),
        last_after=arguments.optional_number("last_after"),
        limit=int(arguments.number("limit", 0)),
    )


async def _print(queue: QueueDb, call: Call) -> Json:
    """All about one, with its attempts and what was said to the servers."""
    number = int(call.arguments.number("id"))
    found = await queue.retired.find(RetiredFilter(id=number)) if number > 0 else ()
    if not found:
        raise ControlError(f"message {number} is not remembered")
    tried: list[Json] = [
        {**dataclasses.asdict(one), "dialogue": await queue.dialogue(number, one.id) or ""}
        for one in await queue.attempts(number)
    ]
    return {**dataclasses.asdict(found[0]), "tried": tried}
