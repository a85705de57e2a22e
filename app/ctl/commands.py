"""The operations of the control socket, by name.

Each takes the arguments of its request, has the work done, and gives the result as JSON. What an operation needs comes
in `Controlled`. Who adds one adds it to the table in `operations`, and a command to the command line.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.clock import SYSTEM
from app.ctl.archivecommands import archive_operations
from app.ctl.configcommands import config_operations
from app.ctl.delivercommands import deliver_operations
from app.ctl.imapcommands import ImapFor, imap_operations
from app.ctl.imapimportcommands import imap_import_operations
from app.ctl.keptcommands import Kept, kept_operations
from app.ctl.protocol import Json
from app.ctl.repaircommands import repair_operations
from app.ctl.reportcommands import report_operations
from app.ctl.restorecommands import restore_operations
from app.ctl.rotationcommands import rotation_operations
from app.ctl.server import Call, Operation
from app.ctl.setupcommands import Proving, setup_operations
from app.ctl.statuscommands import status_operations
from app.errors import Refusal
from app.log import parse_level
from app.operations import loglevels
from app.operations.dkimrotation import Rotations
from app.operations.imapimport.runs import Imports
from app.operations.removedaccounts import Holdings
from app.operations.status.finding import AutomaticCertificates, Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled(Kept):
    """What the operations work on."""

    rotations: Rotations
    imports: Imports
    stop: Callable[[], None]  # asks the server to stop, and returns
    imap_for: ImapFor
    certificates: AutomaticCertificates | None = None


def operations(controlled: Controlled) -> dict[str, Operation]:
    """All operations by name."""
    table: dict[str, Callable[[Controlled, Call], Awaitable[Json]]] = {
        "stop": _stop,
        "loglevels": _log_levels,
        "setloglevels": _set_log_levels,
    }
    holdings = Holdings(
        live=controlled.live,
        accounts=controlled.accounts,
        sessions=controlled.server.sessions,
        keys=controlled.server.keys,
        queue=controlled.queue,
        clock=SYSTEM,
    )
    proving = Proving(live=controlled.live, accounts=controlled.accounts, queue=controlled.queue)
    return {
        **{name: functools.partial(operation, controlled) for name, operation in table.items()},
        **kept_operations(controlled),
        **setup_operations(proving),
        **config_operations(holdings),
        **rotation_operations(controlled.rotations),
        **imap_import_operations(controlled.live, controlled.imports),
        **archive_operations(controlled.live, controlled.imports),
        **imap_operations(controlled.live, controlled.imap_for),
        **deliver_operations(controlled.live, controlled.accounts),
        **report_operations(controlled.live, controlled.server.reports),
        **repair_operations(controlled.live, controlled.accounts),
        **restore_operations(controlled.live, controlled.accounts),
        **status_operations(_status_sources(controlled)),
    }


def _status_sources(controlled: Controlled) -> Sources:
    return Sources(
        live=controlled.live,
        accounts=controlled.accounts,
        queue=controlled.queue,
        server=controlled.server,
        rotations=controlled.rotations,
        clock=SYSTEM,
        certificates=controlled.certificates,
    )


async def _stop(controlled: Controlled, call: Call) -> Json:
    controlled.stop()
    return None


async def _log_levels(controlled: Controlled, call: Call) -> Json:
    present = loglevels.levels()
    return {"": present.default.name.lower(), **{name: one.name.lower() for name, one in present.packages.items()}}


async def _set_log_levels(controlled: Controlled, call: Call) -> Json:
    """Set the level of a package, or of all others when its name is empty; an empty level clears a package's."""
    package, word = call.arguments.text("package", ""), call.arguments.text("level")
    if package and package not in {*loglevels.PACKAGES, *loglevels.levels().packages}:
        raise Refusal(f"there is no package {package!r}; there are {', '.join(loglevels.PACKAGES)}")
    if not word and package:
        loglevels.clear_level(package)
    else:
        loglevels.set_level(package, parse_level(word))
    return None
