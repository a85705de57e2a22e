"""The command that looks whether the data directory, or a backup of it, is whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.listing import one_line
from app.cli.running import data_dir

if TYPE_CHECKING:
    from app.operations.datacheck import Checked


def _verify(invocation: Invocation) -> int:
    from app.operations.datacheck import Check, check_data, fix_data

    names = invocation.expect(0, 1)
    directory = Path(names[0]) if names else data_dir(invocation)
    if (directory / "data").is_dir() and not (directory / "accounts").is_dir():
        directory /= "data"  # a backup
    how = Check(hashes=not invocation.given("quick"))
    parts = fix_data(directory, how) if invocation.given("fix") else check_data(directory, how)
    if sum([print_part(part) for part in parts]):
        print("errors were found; 'verifydata -fix' puts right what can be, 'restore' brings back the rest")
        return 1
    print(f"{directory}: OK")
    return 0


def print_part(part: Checked) -> int:
    """What was found; how many faults."""
    for text in part.fixed:
        print(one_line(f"fixed: {part.place}: {text}"))
    for text in part.notes:
        print(one_line(f"note: {part.place}: {text}"))
    for text in part.faults:
        print(one_line(f"error: {part.place}: {text}"))
    if not part.faults and not part.notes:
        print(one_line(f"{part.place}: OK"), flush=True)
    sys.stdout.flush()
    return len(part.faults)


COMMANDS = (
    Command(
        words="verifydata",
        arguments="[datadir]",
        help="""Look whether all data is whole: databases, messages, counts, numbers, files.

Without a directory it is the data of the configuration; it may be a backup too. Nothing is changed, and a server may
run meanwhile. Every message is read and compared with its checksum, which takes as long as reading all of it; -quick
leaves that out. The exit code is 1 when anything is wrong.

With -fix, and no server running, files that belong to no message are moved to the directory 'moved', and wrong counts
and numbers are made right. Messages that are missing or damaged come from a backup: see 'restore'.

    mox verifydata
    mox verifydata -quick /backup/mox-monday
""",
        run=_verify,
        flags=(
            Flag("fix", "put right what can be", Value.NOTHING),
            Flag("quick", "do not read the bytes of all messages", Value.NOTHING),
        ),
    ),
)
