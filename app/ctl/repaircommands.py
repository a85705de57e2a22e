"""The operations of the control socket that repair accounts; they tell how far they are as lines of JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable

from app.config.live import Live
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.operations.repairs import Repair, Step, Wanted, repair
from app.store.accounts import Accounts


def repair_operations(live: Live, accounts: Accounts) -> dict[str, Operation]:
    """The operations by name."""
    return {kind.value: functools.partial(_repair, live, accounts, kind) for kind in Repair}


async def _repair(live: Live, accounts: Accounts, kind: Repair, call: Call) -> Json:
    async def tell(row: Json) -> None:
        await call.output(json.dumps(row).encode() + b"\n")

    return await perform(live, accounts, kind, call.arguments, tell)


async def perform(
    live: Live, accounts: Accounts, kind: Repair, arguments: Arguments, tell: Callable[[Json], Awaitable[None]]
) -> Json:
    """Repair an account, or all; ends early when `tell` raises, as when the client left."""

    async def tell_step(step: Step) -> None:
        await tell({"account": step.account, "done": step.done, "expected": step.expected})

    wanted = Wanted(kind=kind, account=arguments.text("account", ""), mailbox=arguments.text("mailbox", ""))
    found = await repair(live, accounts, wanted, tell_step)
    return [
        {"account": one.account, "changes": list(one.changes), "faults": list(one.faults), "more": one.more}
        for one in found
    ]
