"""The command that tells how the server stands, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.listing import one_line, when
from app.cli.running import ask_server
from app.cli.standalone import work_with_kept
from app.ctl.client import NotRunning
from app.ctl.protocol import ControlError, Json

if TYPE_CHECKING:
    from app.ctl.keptcommands import Kept

LOOK, ACT = 3, 4  # exit codes; 1 and 2 are those of every command
_CODES = {"fine": 0, "unknown": 0, "look": LOOK, "act": ACT}
_MARKS = {"fine": "fine", "unknown": "?", "look": "LOOK", "act": "ACT"}


def _status(invocation: Invocation) -> int:
    invocation.expect(0)
    try:
        with ask_server(invocation) as client:
            found = client.call("status")
    except NotRunning as no_server:
        found = work_with_kept(invocation, no_server, _at_rest)
    if not isinstance(found, dict) or found.get("grade") not in _CODES:
        raise ControlError("the server's answer cannot be understood")
    if invocation.given("json"):
        print(json.dumps(found, indent="\t", ensure_ascii=False))
    else:
        _print_findings(found["findings"], is_short=invocation.given("short"))
        if not invocation.given("short"):
            _print_changes(found["changes"])
    return _CODES[str(found["grade"])]


async def _at_rest(kept: Kept) -> Json:
    from app.clock import SYSTEM
    from app.ctl.statuscommands import told
    from app.net.resolver import Resolver
    from app.operations.dkimrotation import Rotations
    from app.operations.status.finding import Sources
    from app.operations.status.report import status_at_rest

    sources = Sources(
        live=kept.live,
        accounts=kept.accounts,
        queue=kept.queue,
        server=kept.server,
        rotations=Rotations(kept.live, kept.server.rotations, Resolver(clock=SYSTEM), SYSTEM),
        clock=SYSTEM,
    )
    return told(await status_at_rest(sources))


def _print_findings(rows: Json, *, is_short: bool) -> None:
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and not (is_short and _CODES.get(str(row["grade"])) == 0):
            print(one_line(_line(row)))


def _line(row: Mapping[str, Json]) -> str:
    text = f"{_MARKS.get(str(row['grade']), '?'):5} {row['subject']}: {row['title']}. {row['text']} {row['quote']}"
    return text.rstrip()


def _print_changes(rows: Json) -> None:
    if not isinstance(rows, list) or not rows:
        return
    print("\nWhat changed:")
    for row in rows:
        if isinstance(row, dict):
            by = f" ({row['by']})" if row["by"] else ""
            print(one_line(f"{when(row['time'])} {row['what']}{by}"))


COMMANDS = (
    Command(
        words="status",
        help="""Tell how the server stands: what is wrong, what is fine, and what changed lately.

The worst comes first. ACT: something does not work, or soon will not. LOOK: a person should look at it some day. Each
line says what to do next. For scripts, the exit code: 0 all is fine, 3 there is something to look at, 4 there is
something to do, 1 this cannot be told. A server that does not run is something to do; then less can be told.

    mox status -short || echo "look at the mail server"
""",
        flags=(
            Flag("short", "only what is not fine", Value.NOTHING),
            Flag("json", "for programs", Value.NOTHING),
        ),
        run=_status,
    ),
)
