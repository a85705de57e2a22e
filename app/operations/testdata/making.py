"""Makes the directory: configuration, accounts, queue, server.db."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from app.clock import SYSTEM
from app.config.live import Live
from app.errors import Refusal
from app.operations.accountdata import account_settings
from app.operations.newfiles import NewFile, write_new_files
from app.operations.testdata import filling, outgoing, serverside
from app.store.accounts import Accounts
from app.store.datalock import DataLock
from app.store.queuedb import QueueDb
from app.store.receivedids import ReceivedIds
from app.store.serverdb import ServerDb

ACCOUNTS: Final = ("test0", "test1", "test2")
_MOX_CONF: Final = """DataDir: ../data
LogLevel: info
Hostname: mail.mox.example
Listeners:
\tlocal:
\t\tIPs:
\t\t\t- 127.0.0.1
Postmaster:
\tAccount: test0
\tMailbox: Postmaster
"""
_DOMAINS_CONF: Final = """# made by gentestdata
Domains:
\tmox.example:
\t\tLocalpartCatchallSeparator: +
\tbücher.example: nil
Accounts:
"""
_ACCOUNT: Final = """\t{name}:
\t\tDomain: mox.example
\t\tRejectsMailbox: Rejects
\t\tDestinations:
\t\t\t{name}@mox.example: nil
\t\t\t{name}@bücher.example: nil
\t\tJunkFilter:
\t\t\tThreshold: 0.95
\t\t\tParams:
\t\t\t\tMaxPower: 0.01
\t\t\t\tTopWords: 10
"""


async def make(directory: Path, password: str) -> None:
    """Make it below a directory that has neither config nor data yet; `password` is that of the first account."""
    config = directory / "config"
    if config.exists() or (directory / "data").exists():
        raise Refusal(f"{directory} has a configuration or data already; name a directory that has neither")
    domains = _DOMAINS_CONF + "".join(_ACCOUNT.format(name=name) for name in ACCOUNTS)
    write_new_files(
        [NewFile(config / "mox.conf", _MOX_CONF.encode()), NewFile(config / "domains.conf", domains.encode())]
    )
    live = Live.open(config / "mox.conf", files=False)
    with DataLock(live.data_dir), contextlib.ExitStack() as stack:
        ReceivedIds.open(live.data_dir)
        accounts = Accounts(live.data_dir, account_settings(live.static, lambda: live.dynamic))
        stack.callback(accounts.close)
        for name in ACCOUNTS:
            await accounts.open(name)
        await filling.fill(await accounts.open(ACCOUNTS[0]), password)
        queue = QueueDb.open(live.data_dir)
        stack.callback(queue.close)
        await outgoing.fill(queue, SYSTEM.now())
        server = ServerDb.open(live.data_dir)
        stack.callback(server.close)
        await serverside.fill(server, SYSTEM.now())
