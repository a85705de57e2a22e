"""Operations of the control socket with which the set-up proves that mail works: what arrives, and a message out."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.ctl.protocol import ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import WireError
from app.operations.arrivals import Arrival, arrivals
from app.operations.servermail import Post
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
    return {name: functools.partial(operation, proving) for name, operation in OPERATIONS.items()}


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


async def _message_fate(proving: Proving, call: Call) -> Json:
    found = await proving.queue.fate(call.arguments.text("messageid"))
    return {"state": found.ended.value, "error": found.error, "host": found.host, "next": found.next_attempt}


async def _send_test(proving: Proving, call: Call) -> Json:
    try:
        sender = parse_address(call.arguments.text("from"))
    except WireError as error:
        raise ControlError(f"argument from: {error.message}") from None
    post = Post(proving.live, proving.queue, proving.clock)
    return await send_test(post, sender, call.arguments.text("to"))


OPERATIONS: dict[str, Callable[[Proving, Call], Awaitable[Json]]] = {
    "arrivals": _arrivals,
    "sendtest": _send_test,
    "messagefate": _message_fate,
}
