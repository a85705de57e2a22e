"""Operations of the control socket with which the set-up proves that mail works: what arrives, and a message out."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.ctl.protocol import ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import WireError
from app.operations.arrivals import Arrival, arrivals
from app.operations.testmessage import send_test
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.wire.smtp.address import parse_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """What these operations work on."""

    live: Live
    accounts: Accounts
    queue: QueueDb
    clock: Clock = SYSTEM


def setup_operations(proving: Proving) -> dict[str, Operation]:
    """The operations by name."""
    return {
        "arrivals": functools.partial(_arrivals, proving),
        "sendtest": functools.partial(_send_test, proving),
    }


async def _arrivals(proving: Proving, call: Call) -> Json:
    name = call.arguments.text("account")
    if name not in proving.live.dynamic.accounts:
        raise ControlError(f"there is no account {name!r}")
    since = int(call.arguments.number("since", 0))
    account = await proving.accounts.open(name)
    found = await account.read(lambda db: arrivals(db, since))
    return {"modseq": found.modseq, "rows": [_row(one) for one in found.rows]}


def _row(one: Arrival) -> Json:
    return {**dataclasses.asdict(one), "checks": list(one.checks)}


async def _send_test(proving: Proving, call: Call) -> Json:
    try:
        sender = parse_address(call.arguments.text("from"))
    except WireError as error:
        raise ControlError(f"argument from: {error.message}") from None
    return await send_test(proving.live, proving.queue, proving.clock, sender, call.arguments.text("to"))
