"""Commands for tests of upgrades: one makes data, one has it brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.cli.command import Command, Invocation
from app.errors import NoSuchAccount

MAX_ACCOUNTS: Final = 10_000


def _make(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    import asyncio
    import secrets

    from app.operations.testdata.making import ACCOUNTS, make

    password = secrets.token_urlsafe(12)
    asyncio.run(make(Path(name), password))
    print(f"data is in {name}; account {ACCOUNTS[0]} has the password {password}")
    return 0


def _open(invocation: Invocation) -> int:
    """An account is upgraded when it is opened."""
    folder, *names = invocation.expect(2, MAX_ACCOUNTS)
    from app.store.accounts import Accounts
    from app.store.datalock import DataLock

    data_dir = Path(folder)
    for name in names:
        if not (data_dir / "accounts" / name / "index.db").is_file():
            raise NoSuchAccount(f"there is no account {name!r} in {folder}")
    with DataLock(data_dir):
        accounts = Accounts(data_dir)
        try:
            for name in names:
                accounts.open_now(name)
                print(f"{name}: opened")
        finally:
            accounts.close()
    return 0


COMMANDS = (
    Command(
        words="gentestdata",
        arguments="folder",
        help="""Make a configuration and data with something of every kind, for tests of upgrades and tools.

Three accounts, odd messages, a queue, reports, sessions. The folder may not have a configuration or data yet.

    mox gentestdata testdata
""",
        run=_make,
        is_listed=False,
    ),
    Command(
        words="openaccounts",
        arguments="data account...",
        help="""Open accounts of a data directory, which brings their databases up to date, and close them again.

The server must be stopped. Needed for tests only: the server does the same when an account is used.

    mox openaccounts data jane
""",
        run=_open,
        is_listed=False,
    ),
)
