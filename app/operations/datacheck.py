"""Is the data directory whole? All databases, the files beside them, and what follows from each other.

    for part in check_data(data_dir, Check(hashes=True)): ...     one after the other, as they are looked at

Reads only, so a server may work on it meanwhile, and it may be the `data` of a backup. `fix_data` puts right what
can be, under the lock of the directory: message files that nothing refers to are moved to `moved`, numbers and counts
are made to fit. What is missing or damaged comes from a backup.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import Refusal, StoreError, Temporary
from app.operations.backup import lastrun
from app.store import queuecheck
from app.store.account import check, numbering, recounting
from app.store.account.anyversion import readable
from app.store.account.handle import Account
from app.store.datalock import DataLock
from app.store.integrity import faults_of
from app.store.serverdb import NAME as SERVER_DB
from app.store.serverschema import MIGRATIONS as SERVER_MIGRATIONS

MOVED: Final = "moved"
_KNOWN: Final = frozenset(
    {"accounts", "queue", "removed", "imports", "acme", "tmp", "ctl", "lock", "receivedid.key", lastrun.FILE, MOVED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How deep to look."""

    hashes: bool  # read every message, and compare it with its SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A part of the data, with what is wrong and what was put right, a sentence each."""

    place: str  # below the data directory
    faults: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # that are no faults


def check_data(data_dir: Path, how: Check) -> Iterator[Checked]:
    """Look at all parts; raises Refusal when it is no data directory."""
    _require_data(data_dir)
    yield Checked(place=SERVER_DB, faults=tuple(faults_of(data_dir / SERVER_DB, len(SERVER_MIGRATIONS))))
    yield Checked(place="queue", faults=tuple(queuecheck.check_queue(data_dir / "queue")))
    for directory in account_directories(data_dir):
        yield Checked(place=str(directory.relative_to(data_dir)), faults=_check_account(directory, how))
    if unknown := _unknown(data_dir):
        notes = tuple(f"{name} is not of this program" for name in unknown)
        yield Checked(place="other files", faults=(), notes=notes)


def fix_data(data_dir: Path, how: Check) -> Iterator[Checked]:
    """Put right what can be, and look at it; raises DataInUse while a server works on the directory."""
    _require_data(data_dir)
    with DataLock(data_dir):
        queue = data_dir / "queue"
        moved = {queue: _move_aside(data_dir, queuecheck.extra_files(queue))}
        for directory in account_directories(data_dir):
            moved[directory] = _fix_account(data_dir, directory)
        fixed = {str(directory.relative_to(data_dir)): texts for directory, texts in moved.items()}
        for part in check_data(data_dir, how):
            yield Checked(
                place=part.place, faults=part.faults, fixed=tuple(fixed.get(part.place, ())), notes=part.notes
            )


def account_directories(data_dir: Path) -> list[Path]:
    """The directories of accounts, also of those that were removed and can be brought back."""
    found = [*data_dir.glob("accounts/*"), *data_dir.glob("removed/*/mail")]
    return sorted(path for path in found if path.is_dir())


def _require_data(data_dir: Path) -> None:
    if not (data_dir / "accounts").is_dir() and not (data_dir / SERVER_DB).is_file():
        raise Refusal(f"{data_dir} is no data directory: it has no accounts and no {SERVER_DB}")


def _check_account(directory: Path, how: Check) -> tuple[str, ...]:
    try:
        with readable(directory) as account:
            return tuple(check.check_reading(account, hashes=how.hashes))
    except (StoreError, OSError) as error:
        return (str(error),)


def _fix_account(data_dir: Path, directory: Path) -> list[str]:
    try:
        account = Account(directory.name, directory)
    except StoreError:  # told by the look that follows
        return []
    try:
        fixed = _move_aside(data_dir, check.extra_files(account))
        for fix in (numbering.fix_numbers, recounting.fix_sizes, recounting.recount):
            fixed += account.write_now(fix)
    except Temporary as error:
        return [f"not put right: {error}"]
    finally:
        account.close()
    return fixed


def _move_aside(data_dir: Path, paths: list[Path]) -> list[str]:
    moved: list[str] = []
    for path in paths:
        name = path.relative_to(data_dir)
        target = data_dir / MOVED / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            os.rename(path, target)
        except OSError as error:
            raise Temporary(f"{name} cannot be moved to {MOVED}: {error.strerror}") from None
        moved.append(f"{name} moved to {MOVED}/{name}")
    return moved


def is_data(name: str) -> bool:
    """Whether that is what something in a data directory is called."""
    return name in _KNOWN or name.startswith(SERVER_DB)


def _unknown(data_dir: Path) -> list[str]:
    """What is not of a data directory; one that is shared with the configuration has more."""
    names = sorted(entry.name for entry in os.scandir(data_dir))
    return [] if "mox.conf" in names else [name for name in names if not is_data(name)]
