"""The operations of the control socket that need nothing but what is kept: queue, passwords, attempts to sign in.

A running server performs them, and without one the command line does, under the lock of the data directory
(`app.ctl.standin`). An operation that needs more than `Kept` stands elsewhere.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.config.live import Live
from app.ctl.holdrulecommands import hold_rule_operations
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.retiredcommands import retired_operations
from app.ctl.server import Call, Operation
from app.ctl.suppressioncommands import suppression_operations
from app.store import passwords
from app.store.account import credentials
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuelisting import After, Order
from app.store.queuerecords import Queued, QueueFilter
from app.store.serverdb import ServerDb

MAX_ATTEMPTS = 1000  # rows of one answer
MAX_QUEUE_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Configuration and data."""

    live: Live
    accounts: Accounts
    queue: QueueDb
    server: ServerDb


def kept_operations(kept: Kept) -> dict[str, Operation]:
    """The operations by name."""
    table: dict[str, Callable[[Kept, Call], Awaitable[Json]]] = {
        "setaccountpassword": _set_account_password,
        "loginattempts": _login_attempts,
        "queuelist": _queue_list,
        "queueholdset": _queue_hold_set,
        "queueschedule": _queue_schedule,
        "queuetransport": _queue_transport,
        "queuerequiretls": _queue_require_tls,
        "queuefail": _queue_fail,
        "queuedrop": _queue_drop,
        "queuedump": _queue_dump,
        "queueattempts": _queue_attempts,
    }
    return {
        **{name: functools.partial(operation, kept) for name, operation in table.items()},
        **hold_rule_operations(kept.live, kept.queue.hold_rules),
        **retired_operations(kept.queue),
        **suppression_operations(kept.live, kept.queue.suppressions),
    }


async def _set_account_password(kept: Kept, call: Call) -> Json:
    name = call.arguments.text("account")
    if name not in kept.live.dynamic.accounts:
        raise ControlError(f"there is no account {name!r}")
    made = await asyncio.to_thread(credentials.derive, call.arguments.text("password"))
    account = await kept.accounts.open(name)
    await passwords.replace(account, kept.server.sessions, made)
    return None


async def _login_attempts(kept: Kept, call: Call) -> Json:
    """The newest attempts to sign in, of an account or of all."""
    limit = int(call.arguments.number("limit", MAX_ATTEMPTS))
    rows = await kept.server.attempts.list(
        call.arguments.optional_text("account"),
        min(limit, MAX_ATTEMPTS),
        only_failed=call.arguments.flag("failed"),
    )
    return [dataclasses.asdict(row) for row in rows]


def queue_filter(arguments: Arguments) -> QueueFilter:
    """The recipients that a request is about."""
    return QueueFilter(
        ids=arguments.numbers("ids"),
        account=arguments.text("account", ""),
        sender=arguments.text("from", ""),
        recipient=arguments.text("to", ""),
        hold=arguments.optional_flag("hold"),
        transport=arguments.optional_text("transport"),
        queued_before=arguments.optional_number("queued_before"),
        queued_after=arguments.optional_number("queued_after"),
        next_before=arguments.optional_number("next_before"),
        next_after=arguments.optional_number("next_after"),
        limit=int(arguments.number("limit", 0)),
        oldest_first=arguments.flag("oldest_first"),
    )


async def _queue_list(kept: Kept, call: Call) -> Json:
    """A page of the queue; the next one begins after the next attempt and the number of its last row."""
    which = queue_filter(call.arguments)
    after_id = call.arguments.optional_number("after_id")
    after = After(call.arguments.number("after"), int(after_id)) if after_id is not None else None
    order = Order.NEXT if which.oldest_first else Order.NEXT_LAST
    limit = min(which.limit or MAX_QUEUE_ROWS, MAX_QUEUE_ROWS)
    rows = await kept.queue.some(which, order, after, limit)
    return [_queue_row(row.queued, row.last.error if row.last else "") for row in rows]


async def _queue_attempts(kept: Kept, call: Call) -> Json:
    """The attempts for a recipient, with what was said to the servers."""
    number = int(call.arguments.number("id"))
    found = await kept.queue.find(QueueFilter(ids=(number,)))
    if not found:
        raise ControlError(f"there is no message {number} in the queue")
    tried: list[Json] = [
        {**dataclasses.asdict(one), "dialogue": await kept.queue.dialogue(number, one.id) or ""}
        for one in await kept.queue.attempts(number)
    ]
    answer = _queue_row(found[0], "")
    answer["tried"] = tried
    return answer


def _queue_row(row: Queued, error: str) -> dict[str, Json]:
    return {
        "id": row.id,
        "queued": row.queued,
        "from": str(row.reverse_path),
        "to": str(row.recipient),
        "account": row.sender_account,
        "size": row.size_bytes,
        "hold": row.hold,
        "attempts": row.attempts,
        "next": row.next_attempt,
        "last": row.last_attempt,
        "transport": row.transport,
        "error": error,
    }


async def _queue_hold_set(kept: Kept, call: Call) -> Json:
    hold = call.arguments.optional_flag("set")
    if hold is None:
        raise ControlError("argument set must be true or false")
    return await kept.queue.hold(queue_filter(call.arguments), hold)


async def _queue_schedule(kept: Kept, call: Call) -> Json:
    """To a time ("when"), or later than planned by some seconds ("by")."""
    which = queue_filter(call.arguments)
    when = call.arguments.optional_number("when")
    if when is not None:
        return await kept.queue.schedule(which, when)
    return await kept.queue.postpone(which, call.arguments.number("by"))


async def _queue_transport(kept: Kept, call: Call) -> Json:
    name = call.arguments.text("name")
    if name and name not in kept.live.static.transports:
        raise ControlError(f"there is no transport {name!r} in mox.conf")
    return await kept.queue.set_transport(queue_filter(call.arguments), name)


async def _queue_require_tls(kept: Kept, call: Call) -> Json:
    wanted = call.arguments.optional_flag("require")
    return await kept.queue.set_require_tls(queue_filter(call.arguments), wanted)


async def _queue_fail(kept: Kept, call: Call) -> Json:
    return await kept.queue.fail(queue_filter(call.arguments))


async def _queue_drop(kept: Kept, call: Call) -> Json:
    return await kept.queue.drop(queue_filter(call.arguments))


async def _queue_dump(kept: Kept, call: Call) -> Json:
    number = int(call.arguments.number("id"))
    rows = await kept.queue.find(QueueFilter(ids=(number,)))
    if not rows:
        raise ControlError(f"there is no message {number} in the queue")
    content = await kept.queue.content(rows[0].base_id)
    await call.output(content.prefix)
    for start in range(0, len(content.body), 1 << 20):
        await call.output(bytes(content.body[start : start + (1 << 20)]))
    return None
