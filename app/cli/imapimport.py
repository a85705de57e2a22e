"""The command that takes mail from another server: by the running server when there is one, else here."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import one_line
from app.cli.progress import TELL_EVERY_S, Lines
from app.cli.prompt import read_password
from app.cli.running import ask_server
from app.cli.standalone import locked, open_data
from app.ctl.client import NotRunning
from app.ctl.protocol import ControlError, Json

if TYPE_CHECKING:
    from app.ctl.protocol import Arguments


class _Teller:
    """Prints how far an import is: each folder, and now and then in between."""

    def __init__(self) -> None:
        self._last = ("", 0)
        self._told = 0.0

    def tell(self, row: Json) -> None:
        """A state, unless it says nothing new."""
        if not isinstance(row, dict):
            return
        folder, words = str(row["folder"]), str(row["words"])
        is_new = self._last != (folder + words, row["passed"])
        if not is_new or (self._last[0] == folder + words and time.monotonic() - self._told < TELL_EVERY_S):
            return
        self._last, self._told = (folder + words, _whole(row["passed"])), time.monotonic()
        if row["state"] == "waiting":
            print(one_line(f"{words}; trying again soon"), file=sys.stderr)
        elif folder:
            place = f"folder {row['number']} of {row['count']}, {folder}"
            print(one_line(f"{place}: {row['passed']} of {row['expected']} new messages"), file=sys.stderr)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _import(invocation: Invocation) -> int:
    account, host, user = invocation.expect(3)
    if not user.strip():
        raise UsageError("user is the name to sign in with at the other server")
    arguments: dict[str, Json] = {
        "account": account,
        "host": host,
        "user": user,
        "security": invocation.text("security", "tls"),
        "port": int(invocation.text("port") or 0),
        "noverify": invocation.given("noverify"),
    }
    teller = _Teller()
    try:
        with ask_server(invocation) as client:
            arguments["password"] = _password(host)
            return finish(client.call("importimap", arguments, output=Lines(teller.tell).feed))
    except NotRunning as no_server:
        return finish(_import_here(invocation, arguments, teller, no_server))


def _password(host: str) -> str:
    return read_password(f"password at {one_line(host)}: ")


def finish(row: Json) -> int:
    """Print what became of it; the exit code."""
    if not isinstance(row, dict):
        raise ControlError("the server's answer cannot be understood")
    problems = row["problems"] if isinstance(row["problems"], list) else []
    for problem in problems:
        print(one_line(str(problem)), file=sys.stderr)
    if (more := _whole(row["problem_count"]) - len(problems)) > 0:
        print(f"and {more} more problems", file=sys.stderr)
    print(one_line(str(row["summary"])))
    if row["state"] == "done":
        return int(_is_in_vain(row))
    print(one_line(f"not finished: {row['words']}"), file=sys.stderr)
    if row["may_pass"]:
        print("run this again to go on; what is here already is not taken twice", file=sys.stderr)
    return 1


def _is_in_vain(row: Mapping[str, Json]) -> bool:
    """Whether an archive brought nothing but problems."""
    return row.get("present") == row["taken"] == 0 and row["problem_count"] != 0


def _import_here(invocation: Invocation, arguments: dict[str, Json], teller: _Teller, no_server: NotRunning) -> Json:
    import asyncio

    from app.ctl.protocol import Arguments

    with locked(invocation, no_server):
        arguments["password"] = _password(str(arguments["host"]))
        return asyncio.run(_run_here(invocation, Arguments(arguments), teller))


async def _run_here(invocation: Invocation, arguments: Arguments, teller: _Teller) -> Json:
    from app.ctl.imapimportcommands import perform
    from app.net.resolver import Resolver
    from app.operations.imapimport.runs import Imports, network_of

    live, accounts = open_data(invocation)
    resolver = Resolver()
    imports = Imports(accounts, network_of(resolver))

    async def tell(row: Json) -> None:
        teller.tell(row)

    try:
        return await perform(live, imports, arguments, tell)
    finally:
        await imports.stop()
        resolver.close()
        accounts.close()


COMMANDS = (
    Command(
        words="import imap",
        arguments="account host user",
        help="""Take all mail from another server over IMAP, with folders, flags and dates.

Asks for the password that `user` has at `host`, or reads a line of standard input; it is not kept. Nothing is changed
there. Run it again later and only what is new comes; end it with ctrl-c, or lose the connection, and the next run goes
on where this one was. With a running server mail goes on meanwhile. What could not be taken is listed at the end.

Folders for sent, junk, deleted and archived mail go to the mailboxes that have that use here, the others keep their
names. Some providers (Gmail, iCloud, Yahoo) want an app password, which is made on their web pages.

    mox import imap jane imap.example.org jane@example.org
""",
        run=_import,
        flags=(
            Flag("security", "tls (also when not given), starttls, or none", placeholder="word"),
            Flag("port", "else 993 with tls, 143 without", Value.NUMBER, "number"),
            Flag("noverify", "accept any certificate; whoever is in between can read everything", Value.NOTHING),
        ),
    ),
)
