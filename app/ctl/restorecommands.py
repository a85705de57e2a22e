"""The operation of the control socket that takes messages of a backup, which the client reads and sends."""

from __future__ import annotations

import functools

from app.config.live import Live
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.errors import NoSuchAccount
from app.operations.restore.stream import unpack
from app.operations.restore.taking import Returned, take_back
from app.store.accounts import Accounts


def restore_operations(live: Live, accounts: Accounts) -> dict[str, Operation]:
    """The operations by name."""
    return {"restoremail": functools.partial(_restore, live, accounts)}


async def _restore(live: Live, accounts: Accounts, call: Call) -> Json:
    name = account_name(live, call.arguments)
    messages = unpack(call.input(), accounts.tmp_dir)
    return row(await take_back(await accounts.open(name), messages))


def account_name(live: Live, arguments: Arguments) -> str:
    """The account that the messages are for; raises NoSuchAccount."""
    name = arguments.text("account")
    if name not in live.dynamic.accounts:
        raise NoSuchAccount(f"there is no account {name!r}; 'restore account' brings back one that was removed")
    return name


def row(returned: Returned) -> dict[str, Json]:
    """What came back."""
    return {
        "added": returned.added,
        "present": returned.present,
        "mended": returned.mended,
        "problems": list(returned.problems),
    }
