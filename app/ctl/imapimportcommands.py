"""The operation of the control socket that takes mail from another server.

`following` tells the client how far it is.
"""

from __future__ import annotations

import functools

from app.config.live import Live
from app.ctl.following import Tell, follow, teller
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.errors import NoSuchAccount
from app.net.imapclient import Security
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.runs import Imports
from app.operations.imapimport.wanted import Wanted, make_endpoint, make_login


def imap_import_operations(live: Live, imports: Imports) -> dict[str, Operation]:
    """The operations by name."""
    return {"importimap": functools.partial(_import, live, imports)}


async def _import(live: Live, imports: Imports, call: Call) -> Json:
    return await perform(live, imports, call.arguments, teller(call))


async def perform(live: Live, imports: Imports, arguments: Arguments, tell: Tell) -> Json:
    """Take the mail, and `tell` how far it is; ends the import when `tell` raises, or this is cancelled."""
    name = arguments.text("account")
    if name not in live.dynamic.accounts:
        raise NoSuchAccount(f"there is no account {name!r}")
    await imports.start(name, wanted(arguments), by_holder=False)
    return await follow(imports, name, row, tell)


def wanted(arguments: Arguments) -> Wanted:
    """What to take mail from; raises Refusal, ControlError."""
    endpoint = make_endpoint(
        arguments.text("host"),
        arguments.text("security", Security.TLS.value),
        int(arguments.number("port", 0)),
        is_verified=not arguments.flag("noverify"),
    )
    return Wanted(endpoint=endpoint, login=make_login(arguments.text("user"), arguments.text("password")))


def row(progress: Progress) -> dict[str, Json]:
    """How far an import is."""
    return {
        "state": progress.state.value,
        "folder": progress.folder,
        "number": progress.folder_number,
        "count": progress.folder_count,
        "expected": progress.expected,
        "passed": progress.passed,
        "taken": progress.taken,
        "summary": progress.summary(),
        "words": progress.words,
        "may_pass": progress.may_pass,
    }
