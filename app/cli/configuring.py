"""Commands that change domains.conf: by the running server when there is one, else here.

Two processes never write at once: without a server the command holds the lock of the data directory while it works, and
a server that starts meanwhile says so and does not.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.cli.command import Invocation
from app.cli.running import ask_server
from app.cli.standalone import locked, open_data
from app.ctl.client import NotRunning
from app.ctl.protocol import ControlError, Json


def perform(invocation: Invocation, operation: str, arguments: Mapping[str, Json] | None = None) -> Json:
    """The result of an operation of `app.ctl.configcommands`."""
    try:
        with ask_server(invocation) as client:
            return client.call(operation, arguments)
    except NotRunning as no_server:
        return _perform_here(invocation, operation, arguments or {}, no_server)


def texts(invocation: Invocation, operation: str, arguments: Mapping[str, Json] | None = None) -> list[str]:
    """The result of one that gives a list of texts."""
    found = perform(invocation, operation, arguments)
    if not isinstance(found, list):
        raise ControlError("the server's answer cannot be understood")
    return [str(one) for one in found]


def rows(invocation: Invocation, operation: str) -> list[dict[str, Json]]:
    """The result of one that gives a list of objects."""
    found = perform(invocation, operation)
    if not isinstance(found, list):
        raise ControlError("the server's answer cannot be understood")
    return [one for one in found if isinstance(one, dict)]


def _perform_here(invocation: Invocation, operation: str, arguments: Mapping[str, Json], no_server: NotRunning) -> Json:
    import asyncio

    from app.clock import SYSTEM
    from app.ctl import configcommands
    from app.ctl.protocol import Arguments
    from app.operations.removedaccounts import Holdings
    from app.store.queuedb import QueueDb
    from app.store.serverdb import ServerDb

    with locked(invocation, no_server):
        live, accounts = open_data(invocation)
        server, queue = ServerDb.open(live.data_dir), QueueDb.open(live.data_dir)
        holdings = Holdings(
            live=live, accounts=accounts, sessions=server.sessions, keys=server.keys, queue=queue, clock=SYSTEM
        )
        try:
            return asyncio.run(configcommands.perform(operation, holdings, Arguments(arguments)))
        finally:
            accounts.close()
            queue.close()
            server.close()
