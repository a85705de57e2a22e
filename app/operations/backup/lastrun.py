"""What became of the last backup, for the status: a small file in the data directory, written by the command.

The command runs beside the server, as root or as its user; so this is a file and not a row of the server's database.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = "lastbackup.json"
_MODE: Final = 0o640
_MAX_BYTES: Final = 64 << 10
_MAX_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """Times are seconds since 1970, 0 for never."""

    made: float = 0.0
    place: str = ""  # the folder of the one that was made
    faults: int = 0  # how many things were damaged or missing when it was made
    failed: float = 0.0
    error: str = ""  # why the one failed that was tried last


def note_made(data_dir: Path, when: float, place: Path, faults: int) -> None:
    """A backup was made; raises OSError when that cannot be written down."""
    _write(data_dir, LastRun(made=when, place=str(place), faults=faults))


def note_failed(data_dir: Path, when: float, error: str) -> None:
    """A backup could not be made; raises OSError when that cannot be written down."""
    _write(data_dir, dataclasses.replace(last_run(data_dir), failed=when, error=error[:_MAX_ERROR]))


def last_run(data_dir: Path) -> LastRun:
    """What is known; nothing, when the file is not there or is not of ours."""
    try:
        with open(data_dir / FILE, "rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
        return LastRun(
            made=float(found["made"]),
            place=str(found["place"]),
            faults=int(found["faults"]),
            failed=float(found["failed"]),
            error=str(found["error"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return LastRun()


def _write(data_dir: Path, run: LastRun) -> None:
    """Replace the file; it is the server's user's, who may have put anything in its place while this is root."""
    owner, scratch = data_dir.stat(), data_dir / f"{FILE}.part"
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            if os.geteuid() == 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            json.dump(dataclasses.asdict(run), file)
        os.replace(scratch, data_dir / FILE)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
