"""Restores a whole backup: its configuration to where mox.conf belongs, its data to where mox.conf says.

The data comes first and mox.conf last, so what was broken off has no configuration to be started with. Nothing is
overwritten. What is in the queue may have been sent since the backup, so it is put on hold; accounts get new
uidvalidities. Neither is done when the server did not run since, as when it moves to another machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.config.reading import read
from app.config.static import Static
from app.errors import MailError, Refusal, StoreError, Temporary
from app.operations.backup import form
from app.operations.backup.placing import Placing
from app.operations.datacheck import Check, account_directories, check_data
from app.operations.restore.whole import place_tree, renew
from app.store.account.anyversion import readable
from app.store.account.check import check_reading
from app.store.datalock import DataLock
from app.store.queuedb import QueueDb
from app.store.queuerecords import QueueFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to restore and where to."""

    backup: Path
    config_path: Path  # of mox.conf; there must be none
    is_moving: bool = False  # the server did not run since the backup was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done; `faults` is what is damaged or missing in it."""

    config_path: Path
    data_dir: Path
    held: int  # recipients in the queue
    faults: tuple[str, ...]
    left_out: tuple[str, ...]  # files that the configuration names, which the backup does not have


def restore_all(wanted: Wanted, tell: Callable[[str], None]) -> Restored:
    """Do it; raises Refusal before anything is written, Temporary when it fails on the way."""
    description = form.describe(wanted.backup)
    config_path = wanted.config_path.absolute()
    data_dir = _data_dir(wanted.backup / form.CONFIG / description.config_file, config_path.parent)
    _require_room(wanted.backup / form.CONFIG, config_path, description.config_file, data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        with DataLock(data_dir):
            tell(f"copying data to {data_dir}")
            faults = place_tree(wanted.backup / form.DATA, data_dir)
            held = 0
            if not wanted.is_moving:
                faults += _renew_accounts(data_dir, tell)
                held = asyncio.run(_hold(data_dir))
            tell("verifying")
            faults += _faults(data_dir)
            tell(f"copying configuration to {config_path.parent}")
            faults += _place_config(wanted.backup / form.CONFIG, config_path, description.config_file)
    except (OSError, MailError) as error:
        config_path.unlink(missing_ok=True)
        text = f"restoring failed, and is not complete: {_reason(error)}; remove what there is of"
        raise Temporary(f"{text} {config_path.parent} and {data_dir}, then try again") from None
    return Restored(
        config_path=config_path, data_dir=data_dir, held=held, faults=tuple(faults), left_out=description.left_out
    )


def _reason(error: OSError | MailError) -> str:
    if isinstance(error, MailError):
        return str(error)
    return f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"


def _data_dir(path: Path, config_dir: Path) -> Path:
    """Where mox.conf of the backup wants the data, when it stands in `config_dir`."""
    try:
        name = read(path.read_bytes(), path.name, Static).value.data_dir
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}") from None
    if not name:
        raise Refusal(f"{path} does not say where the data is (DataDir)")
    return Path(os.path.normpath(config_dir / name))


def _require_room(source: Path, config_path: Path, main: str, data_dir: Path) -> None:
    if data_dir.is_dir() and {entry.name for entry in os.scandir(data_dir)} - {"lock"}:
        raise Refusal(f"{data_dir} is not empty; nothing was changed. Move it away, or restore to another place")
    targets = [config_path.parent / target for _, target in _files(source, config_path, main)]
    if present := [str(path) for path in targets if os.path.lexists(path)]:
        raise Refusal(f"there already: {', '.join(present[:5])}; nothing was changed. Move it away first")


def _files(source: Path, config_path: Path, main: str) -> list[tuple[Path, Path]]:
    """The files below and what they become in the directory of mox.conf, which is the last."""
    paths = sorted(Path(folder, name).relative_to(source) for folder, _, names in os.walk(source) for name in names)
    renamed = [(path, Path(config_path.name) if path == Path(main) else path) for path in paths]
    return sorted(renamed, key=lambda pair: pair[0] == Path(main))


def _place_config(source: Path, config_path: Path, main: str) -> list[str]:
    config_path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    placing = Placing(config_path.parent, links=False)
    for path, target in _files(source, config_path, main):
        placing.file(source / path, target)
    placing.sync()
    return placing.tally.faults


def _renew_accounts(data_dir: Path, tell: Callable[[str], None]) -> list[str]:
    """Nobody takes what is here for what there was later; what failed."""
    faults: list[str] = []
    for directory in account_directories(data_dir):
        tell(f"new uidvalidities for {directory.relative_to(data_dir)}")
        try:
            renew(directory)
        except MailError as error:
            if not _is_damaged(directory):
                raise
            faults.append(f"{directory.relative_to(data_dir)} has no new uidvalidities: {error}")
    return faults


def _is_damaged(directory: Path) -> bool:
    try:
        with readable(directory) as account:
            return bool(check_reading(account))
    except StoreError:
        return True


async def _hold(data_dir: Path) -> int:
    queue = QueueDb.open(data_dir)
    try:
        return await queue.hold(QueueFilter(hold=False), True)
    finally:
        queue.close()


def _faults(data_dir: Path) -> list[str]:
    return [f"{part.place}: {text}" for part in check_data(data_dir, Check(hashes=True)) for text in part.faults]
