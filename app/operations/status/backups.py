"""Whether there is a backup that is new enough. Without one, a broken disk takes all mail with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.operations.backup.lastrun import LastRun, last_run
from app.operations.status.finding import Finding, Sources, Subject, act, fine, is_public, look
from app.operations.status.words import age, plural
from app.store.receivedids import KEY_FILE

OLD_S: Final = 8 * 86400.0  # one a week, and a day to see to it

_ADVICE: Final = "'mox backup' makes one while the server runs; have a timer of the system call it every day."


async def backups(sources: Sources) -> Sequence[Finding]:
    """Of servers that get mail from elsewhere; what is made for tests on this machine can be lost."""
    if not is_public(sources.live.static):
        return []
    data_dir = sources.live.data_dir
    run, begun = await asyncio.to_thread(lambda: (last_run(data_dir), _begun(data_dir)))
    return [backup_finding(run, begun, sources.clock.now())]


def _begun(data_dir: Path) -> float:
    """About when the server was started for the first time."""
    try:
        return (data_dir / KEY_FILE).stat().st_mtime
    except OSError:
        return 0.0


def backup_finding(run: LastRun, begun: float, now: float) -> Finding:
    """How it stands, with a server that was set up at `begun`; seconds since 1970."""
    made = f"The last one was made {age(now - run.made)} ago, in {run.place}." if run.made else "None was ever made."
    if run.failed > run.made:
        text = f"A backup failed {age(now - run.failed)} ago. {made} Mend what it says, and make one."
        return act(Subject.BACKUP, "The last backup failed", text, quote=run.error)
    if run.made and run.faults:
        text = (
            f"{made} It has all but {plural(run.faults, 'thing')} damaged or missing then; 'mox verifydata' lists them."
        )
        return look(Subject.BACKUP, "The last backup is not whole", text)
    if now - max(run.made, begun) < OLD_S:
        return fine(Subject.BACKUP, "There is a backup" if run.made else "There is no backup yet", f"{made} {_ADVICE}")
    title = "The last backup is old" if run.made else "There is no backup"
    return look(Subject.BACKUP, title, f"{made} {_ADVICE}")
