"""The command that makes a backup, of a server that runs or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.listing import one_line
from app.cli.progress import Seldom
from app.cli.running import data_dir
from app.clock import SYSTEM
from app.errors import Temporary


def _backup(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    from app.operations.backup import lastrun
    from app.operations.backup.run import Wanted, back_up

    seldom = Seldom()
    earlier = invocation.text("earlier")
    target = Path(name).absolute()
    wanted = Wanted(
        config_path=invocation.config_path,
        data_dir=data_dir(invocation),
        target=target,
        earlier=Path(earlier).absolute() if earlier else None,
        links=not invocation.given("copy"),
    )
    try:
        done = back_up(wanted, _say if invocation.given("verbose") else seldom.say)
    except Temporary as error:
        said = str(error)
        _note(lambda: lastrun.note_failed(wanted.data_dir, SYSTEM.now(), said))
        raise
    _note(lambda: lastrun.note_made(wanted.data_dir, SYSTEM.now(), target, len(done.faults)))
    for note in done.notes:
        print(one_line(f"note: {note}"))
    for fault in done.faults:
        print(one_line(f"error: {fault}"), file=sys.stderr)
    size = f"{done.copied_bytes / 1e6:.1f} MB written"
    print(one_line(f"{target}: {done.files} files, {done.linked} of them linked, {size}"))
    if done.faults:
        print("what is listed above is damaged or missing; everything else is in the backup", file=sys.stderr)
        return 1
    print("the backup is whole")
    return 0


def _note(write: Callable[[], None]) -> None:
    """For 'status'; a backup is as good without."""
    try:
        write()
    except OSError as error:
        print(one_line(f"note: 'status' will not know of this backup: {error.strerror}"))


def _say(text: str) -> None:
    print(one_line(text), flush=True)


COMMANDS = (
    Command(
        words="backup",
        arguments="folder",
        help="""Write a backup of configuration and data to a new folder, and verify it.

The server may run meanwhile and needs not be asked; run this as root or as the user that mox runs as. The databases
are each copied as of one moment. The folder gets its name when everything is in it and on disk: until then it is
called folder.unfinished. Nothing that was there is overwritten.

Messages of more than 256 KB are files, which never change: they are linked (hard links) where folder and data are on
one file system, which takes no room; -copy writes them out, against damage of the disk. With -earlier, what is equal in
an earlier backup is linked to it. The keys and passwords are in the backup: keep it as safe as the server.

When anything is damaged or missing it is listed, the rest is backed up, and the exit code is 1. 'verifydata folder'
looks again at any time, 'restore' brings back all, or an account, mailbox or message. 'status' tells of a backup that
failed, and when the last one is older than a week.

    mox backup /backup/mox-monday
    mox backup -earlier /backup/mox-monday /backup/mox-tuesday
""",
        run=_backup,
        flags=(
            Flag("verbose", "say what is being done", Value.NOTHING),
            Flag("earlier", "link to this backup what is equal", placeholder="folder"),
            Flag("copy", "copy message files instead of linking them", Value.NOTHING),
        ),
    ),
)
