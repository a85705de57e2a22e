"""Whether the user that the server becomes can reach what it needs: Python itself, and the directory of set-up."""

from __future__ import annotations

from quickstart.checks.finding import Context, Finding, State, ok


async def check(context: Context) -> Finding:
    """Only root changes users; without it the server runs as who starts it."""
    machine = context.machine
    if not machine.is_root():
        return ok("The server will run as you.")
    if closed := machine.closed_to_others(machine.interpreter()):
        return _closed(
            f"Only root can use this Python; it is below {closed}.",
            "Start with a Python for all users: /usr/bin/python3 mox.pyz. Where that is missing or older than 3.11: "
            "apt install python3.",
        )
    if closed := machine.closed_to_others(context.question.directory.resolve()):
        return _closed(
            f"Only root can enter {closed}.",
            "Set up in a directory that everybody may enter: mkdir /srv/mox, copy mox.pyz there, and start it there.",
        )
    return ok("The server's user can reach Python and this directory.")


def _closed(summary: str, fix: str) -> Finding:
    return Finding(
        state=State.BAD,
        summary=summary,
        meaning="The server gives up root as soon as its ports are open, and goes on as a user without rights.",
        breaks="That user could not even start the program: installing stops at its last step.",
        fix=fix,
    )
