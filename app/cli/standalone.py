"""Work on data without a server: under the lock of the data directory, so that none starts meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, TypeVar

from app.cli.command import Invocation
from app.cli.running import ask_server, data_dir
from app.ctl.client import ControlClient, NobodyAnswers, NotRunning

if TYPE_CHECKING:
    from app.config.live import Live
    from app.ctl.keptcommands import Kept
    from app.store.accounts import Accounts

T = TypeVar("T")


@contextlib.contextmanager
def locked(invocation: Invocation, no_server: NotRunning) -> Iterator[None]:
    """With the lock of the data directory; raises NotRunning when another process has the data all the same."""
    from app.store.datalock import DataInUse, DataLock

    lock = DataLock(data_dir(invocation))
    try:
        lock.take()
    except DataInUse as error:
        raise _busy(no_server, error.busy) from None
    try:
        yield
    finally:
        lock.release()


def _busy(no_server: NotRunning, busy: str) -> NotRunning:
    """Why neither a server nor this command can do it; a server that may not be asked has said so already."""
    if not isinstance(no_server, NobodyAnswers):
        return no_server
    advice = "another command or a server that is just starting; run this again when it is done or has started"
    return NotRunning(f"{busy}, and answers no questions: {advice}")


def open_data(invocation: Invocation) -> tuple[Live, Accounts]:
    """The configuration and its accounts, which the caller closes."""
    from app.config.live import Live
    from app.operations.accountdata import account_settings
    from app.store.accounts import Accounts

    live = Live.open(invocation.config_path)
    return live, Accounts(live.data_dir, account_settings(live.static, lambda: live.dynamic))


@contextlib.contextmanager
def ask_server_or_data(invocation: Invocation) -> Iterator[ControlClient]:
    """A client of the running server, or of what it keeps when none runs; only for `app.ctl.keptcommands`."""
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(ask_server(invocation))
        except NotRunning as no_server:
            client = stack.enter_context(_ask_data(invocation, no_server))
        yield client


@contextlib.contextmanager
def _ask_data(invocation: Invocation, no_server: NotRunning) -> Iterator[ControlClient]:
    with locked(invocation, no_server), _kept(invocation) as kept:
        from app.ctl.keptcommands import kept_operations
        from app.ctl.standin import standing_in

        with standing_in(kept.live.data_dir, kept_operations(kept)) as client:
            yield client


@contextlib.contextmanager
def _kept(invocation: Invocation) -> Iterator[Kept]:
    from app.ctl.keptcommands import Kept
    from app.store.queuedb import QueueDb
    from app.store.serverdb import ServerDb

    with contextlib.ExitStack() as opened:
        live, accounts = open_data(invocation)
        opened.callback(accounts.close)
        queue = QueueDb.open(live.data_dir)
        opened.callback(queue.close)
        server = ServerDb.open(live.data_dir)
        opened.callback(server.close)
        yield Kept(live=live, accounts=accounts, queue=queue, server=server)


def work_here(invocation: Invocation, no_server: NotRunning, work: Callable[[Live, Accounts], Awaitable[T]]) -> T:
    """The result of `work` under the lock."""
    import asyncio

    with locked(invocation, no_server):
        return asyncio.run(_with_accounts(invocation, work))


def work_with_kept(
    invocation: Invocation, no_server: NotRunning, work: Callable[[Kept], Coroutine[None, None, T]]
) -> T:
    """The result of `work` under the lock, on all that is kept."""
    import asyncio

    with locked(invocation, no_server), _kept(invocation) as kept:
        return asyncio.run(work(kept))


async def _with_accounts(invocation: Invocation, work: Callable[[Live, Accounts], Awaitable[T]]) -> T:
    live, accounts = open_data(invocation)
    try:
        return await work(live, accounts)
    finally:
        accounts.close()
