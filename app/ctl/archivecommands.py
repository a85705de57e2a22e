"""The operation of the control socket that imports an archive: the client sends it, and is told how far it is.

`following` tells the client how far it is.
"""

from __future__ import annotations

import functools

from app.config.live import Live
from app.ctl.following import follow, teller
from app.ctl.protocol import Arguments, Json
from app.ctl.server import Call, Operation
from app.errors import NoSuchAccount
from app.operations.imapimport.runs import Imports
from app.operations.mailimport.run import Progress
from app.operations.mailimport.uploads import ArchiveImports
from app.store.account.archives import Wishes
from app.wire.imap.mailboxname import SEPARATOR, canonical


def archive_operations(live: Live, imports: Imports) -> dict[str, Operation]:
    """The operations by name."""
    return {"importarchive": functools.partial(_import, live, imports.archives)}


async def _import(live: Live, imports: ArchiveImports, call: Call) -> Json:
    name = call.arguments.text("account")
    if name not in live.dynamic.accounts:
        raise NoSuchAccount(f"there is no account {name!r}")
    upload = imports.receive(name)
    try:
        async for data in call.input():
            await upload.write(data)
    except BaseException:
        upload.discard()
        raise
    await imports.start(name, upload, wishes(call.arguments))
    found = await follow(imports, name, row, teller(call))
    await imports.drop(name)  # the client has it
    return found


def wishes(arguments: Arguments) -> Wishes:
    """What is asked for; raises BadMailboxName."""
    into = arguments.text("into", "")
    return Wishes(
        name=arguments.text("name")[:200],
        into=canonical(into) + SEPARATOR * arguments.flag("below") if into else "",
        strip=arguments.text("strip", ""),
        skips_present=not arguments.flag("copies"),
    )


def row(progress: Progress) -> dict[str, Json]:
    """How far an import is."""
    return {
        "state": progress.state.value,
        "share": progress.share,
        "mailbox": progress.mailbox,
        "taken": progress.taken,
        "present": progress.present,
        "summary": progress.summary(),
        "words": progress.words,
        "may_pass": progress.may_pass,
    }
