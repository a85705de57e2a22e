"""Operations of the control socket with which the DKIM keys of a domain are replaced."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from app.config.history import signed
from app.ctl.configcommands import AUTHOR
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import WireError
from app.operations.dkimrotation import Progress, Rotations
from app.wire.domain import Domain, parse_domain


def rotation_operations(rotations: Rotations) -> dict[str, Operation]:
    """The operations by name."""
    return {name: functools.partial(_answer, operation, rotations) for name, operation in OPERATIONS.items()}


async def _answer(operation: Callable[[Rotations, Call], Awaitable[Json]], rotations: Rotations, call: Call) -> Json:
    with signed(AUTHOR):
        return await operation(rotations, call)


def _domain(arguments: Arguments) -> Domain:
    try:
        return parse_domain(arguments.text("domain"))
    except WireError as error:
        raise ControlError(f"argument domain: {error.message}") from None


async def _row(rotations: Rotations, progress: Progress) -> Json:
    one = progress.rotation
    publish = await rotations.records(one, one.new)
    return {
        "domain": one.domain,
        "phase": progress.phase.value,
        "new": list(one.new),
        "old": list(one.old),
        "publish": [{"name": record.name, "text": record.content, "zone": record.zone_content} for record in publish],
        "records": {name: presence.value for name, presence in progress.records.items()},
        "switches": progress.switches,
        "removable": progress.removable,
    }


async def _list(rotations: Rotations, call: Call) -> Json:
    return [await _row(rotations, one) for one in await rotations.all()]


async def _start(rotations: Rotations, call: Call) -> Json:
    return await _row(rotations, await rotations.start(_domain(call.arguments)))


async def _check(rotations: Rotations, call: Call) -> Json:
    found = await rotations.check(_domain(call.arguments))
    return await _row(rotations, found) if found else None


async def _switch(rotations: Rotations, call: Call) -> Json:
    domain = _domain(call.arguments)
    await rotations.switch(domain)
    found = await rotations.find(domain)
    return await _row(rotations, found) if found else None


async def _undo(rotations: Rotations, call: Call) -> Json:
    return await rotations.undo(_domain(call.arguments))


async def _finish(rotations: Rotations, call: Call) -> Json:
    await rotations.finish(_domain(call.arguments))
    return None


OPERATIONS: dict[str, Callable[[Rotations, Call], Awaitable[Json]]] = {
    "dkimrotations": _list,
    "dkimrotate": _start,
    "dkimrotationcheck": _check,
    "dkimrotationswitch": _switch,
    "dkimrotationundo": _undo,
    "dkimrotationfinish": _finish,
}
