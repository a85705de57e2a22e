"""The operations of the control socket, by name.

Each takes the arguments of its request, has the work done, and gives the result as JSON. What an operation needs comes
in `Controlled`. Who adds one adds it to the table in `operations`, and a command to the command line.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.clock import SYSTEM
from app.config.live import Live
from app.ctl.configcommands import config_operations
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.rotationcommands import rotation_operations
from app.ctl.server import Call, Operation
from app.ctl.setupcommands import Proving, setup_operations
from app.log import parse_level
from app.operations import junkfilters, loglevels
from app.operations.dkimrotation import Rotations
from app.operations.removedaccounts import Holdings
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
class Controlled:
    """What the operations work on."""

    live: Live
    accounts: Accounts
    queue: QueueDb
    server: ServerDb
    rotations: Rotations
    stop: Callable[[], None]  # asks the server to stop, and returns


def operations(controlled: Controlled) -> dict[str, Operation]:
    """All operations by name."""
    table: dict[str, Callable[[Controlled, Call], Awaitable[Json]]] = {
        "stop": _stop,
        "setaccountpassword": _set_account_password,
        "loginattempts": _login_attempts,
        "loglevels": _log_levels,
        "setloglevels": _set_log_levels,
        "retrain": _retrain,
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
    holdings = Holdings(
        live=controlled.live,
        accounts=controlled.accounts,
        sessions=controlled.server.sessions,
        keys=controlled.server.keys,
        clock=SYSTEM,
    )
    proving = Proving(live=controlled.live, accounts=controlled.accounts, queue=controlled.queue)
    return {
        **{name: functools.partial(operation, controlled) for name, operation in table.items()},
        **setup_operations(proving),
        **config_operations(holdings),
        **rotation_operations(controlled.rotations),
    }


async def _stop(controlled: Controlled, call: Call) -> Json:
    controlled.stop()
    return None


async def _set_account_password(controlled: Controlled, call: Call) -> Json:
    name = call.arguments.text("account")
    if name not in controlled.live.dynamic.accounts:
        raise ControlError(f"there is no account {name!r}")
    made = await asyncio.to_thread(credentials.derive, call.arguments.text("password"))
    account = await controlled.accounts.open(name)
    await passwords.replace(account, controlled.server.sessions, made)
    return None


async def _login_attempts(controlled: Controlled, call: Call) -> Json:
    """The newest attempts to sign in, of an account or of all."""
    limit = int(call.arguments.number("limit", MAX_ATTEMPTS))
    rows = await controlled.server.attempts.list(
        call.arguments.optional_text("account"),
        min(limit, MAX_ATTEMPTS),
        only_failed=call.arguments.flag("failed"),
    )
    return [dataclasses.asdict(row) for row in rows]


async def _retrain(controlled: Controlled, call: Call) -> Json:
    done = await junkfilters.retrain(controlled.live, controlled.accounts, call.arguments.text("account", ""))
    return [dataclasses.asdict(one) for one in done]


async def _log_levels(controlled: Controlled, call: Call) -> Json:
    present = loglevels.levels()
    return {"": present.default.name.lower(), **{name: one.name.lower() for name, one in present.packages.items()}}


async def _set_log_levels(controlled: Controlled, call: Call) -> Json:
    """Set the level of a package, or of all others when its name is empty; an empty level clears a package's."""
    package, word = call.arguments.text("package", ""), call.arguments.text("level")
    if not word and package:
        loglevels.clear_level(package)
    else:
        loglevels.set_level(package, parse_level(word))
    return None


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


async def _queue_list(controlled: Controlled, call: Call) -> Json:
    """A page of the queue; the next one begins after the next attempt and the number of its last row."""
    which = queue_filter(call.arguments)
    after_id = call.arguments.optional_number("after_id")
    after = After(call.arguments.number("after"), int(after_id)) if after_id is not None else None
    order = Order.NEXT if which.oldest_first else Order.NEXT_LAST
    limit = min(which.limit or MAX_QUEUE_ROWS, MAX_QUEUE_ROWS)
    rows = await controlled.queue.some(which, order, after, limit)
    return [_queue_row(row.queued, row.last.error if row.last else "") for row in rows]


async def _queue_attempts(controlled: Controlled, call: Call) -> Json:
    """The attempts for a recipient, with what was said to the servers."""
    number = int(call.arguments.number("id"))
    found = await controlled.queue.find(QueueFilter(ids=(number,)))
    if not found:
        raise ControlError(f"there is no message {number} in the queue")
    tried: list[Json] = [
        {**dataclasses.asdict(one), "dialogue": await controlled.queue.dialogue(number, one.id) or ""}
        for one in await controlled.queue.attempts(number)
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


async def _queue_hold_set(controlled: Controlled, call: Call) -> Json:
    hold = call.arguments.optional_flag("set")
    if hold is None:
        raise ControlError("argument set must be true or false")
    return await controlled.queue.hold(queue_filter(call.arguments), hold)


async def _queue_schedule(controlled: Controlled, call: Call) -> Json:
    """To a time ("when"), or later than planned by some seconds ("by")."""
    which = queue_filter(call.arguments)
    when = call.arguments.optional_number("when")
    if when is not None:
        return await controlled.queue.schedule(which, when)
    return await controlled.queue.postpone(which, call.arguments.number("by"))


async def _queue_transport(controlled: Controlled, call: Call) -> Json:
    name = call.arguments.text("name")
    if name and name not in controlled.live.static.transports:
        raise ControlError(f"there is no transport {name!r} in mox.conf")
    return await controlled.queue.set_transport(queue_filter(call.arguments), name)


async def _queue_require_tls(controlled: Controlled, call: Call) -> Json:
    wanted = call.arguments.optional_flag("require")
    return await controlled.queue.set_require_tls(queue_filter(call.arguments), wanted)


async def _queue_fail(controlled: Controlled, call: Call) -> Json:
    return await controlled.queue.fail(queue_filter(call.arguments))


async def _queue_drop(controlled: Controlled, call: Call) -> Json:
    return await controlled.queue.drop(queue_filter(call.arguments))


async def _queue_dump(controlled: Controlled, call: Call) -> Json:
    number = int(call.arguments.number("id"))
    rows = await controlled.queue.find(QueueFilter(ids=(number,)))
    if not rows:
        raise ControlError(f"there is no message {number} in the queue")
    content = await controlled.queue.content(rows[0].base_id)
    await call.output(content.prefix)
    for start in range(0, len(content.body), 1 << 20):
        await call.output(bytes(content.body[start : start + (1 << 20)]))
    return None
