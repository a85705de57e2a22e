"""The command that tells how to move in from the Go server."""

from __future__ import annotations

from app.cli.command import Command, Invocation
from app.ctl.client import NotRunning

_MARKS = {True: "[done]   ", False: "[to do]  ", None: "[look]   "}


def _move_in(invocation: Invocation) -> int:
    from app.cli.quickstart import archive
    from app.cli.standalone import work_here
    from app.config.live import Live
    from app.operations.movein import Step, Words, steps
    from app.store.accounts import Accounts

    [old] = invocation.expect(1)
    words = Words(old=old, program=f"python3 {archive()}" if archive() else "mox.pyz")

    async def look(live: Live, accounts: Accounts) -> list[Step]:
        return await steps(live, accounts, words)

    found = work_here(invocation, NotRunning("the server runs; its admin page /movein tells the same"), look)
    for step in found:
        print(f"{_MARKS[step.is_done]}{step.title}")
        if step.why:
            print(f"         {step.why}")
        if step.is_done is not True:
            for command in step.commands:
                print(f"             {command}")
    return 0 if all(step.is_done is not False for step in found) else 1


COMMANDS = (
    Command(
        words="movein",
        arguments="directory",
        help="""Tell how to move in from the Go server of the same name, step by step, and what is done.

`directory` is that of the old server. Copy its config folder here first. Nothing is changed by this command; run it
again after each step. The exit code is 1 as long as something is to do. A running server has the list on its admin
pages, at Accounts.

    mox movein /home/mox
""",
        run=_move_in,
    ),
)
