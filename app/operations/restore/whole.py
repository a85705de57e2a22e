"""Puts the directory of an account from a backup where there is none, with its mail, password and everything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.errors import Refusal, Temporary
from app.operations.backup.placing import Placing
from app.store.account.anyversion import readable
from app.store.account.check import check_reading
from app.store.account.handle import Account
from app.store.account.numbering import begin_anew
from app.store.databasecopy import sync
from app.store.datalock import LOCK_NAME


def place_account(source: Path, target: Path, clock: Clock = SYSTEM) -> list[str]:
    """Copy an account to a directory that is not there yet, with new uidvalidities; returns what is damaged in it.

    Raises Refusal, StoreError, Temporary; then there is nothing of it.
    """
    if os.path.lexists(target):
        raise Refusal(f"{target} is there already; nothing is overwritten")
    part = target.with_name(f".{target.name}.restored")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True, mode=0o750)
        faults = place_tree(source, part)
        renew(part, clock)
        with readable(part) as account:
            faults += check_reading(account, hashes=True)
        give_to_owner_of(target.parent.parent, part)
        os.rename(part, target)
        part = target
        sync(target.parent)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            text = error.strerror or error
            raise Temporary(f"the account could not be copied from the backup: {text}; nothing was changed") from None
        raise
    return faults


def place_tree(source: Path, target: Path) -> list[str]:
    """Copy all files durably to a directory where they are not; returns what could not be read."""
    placing = Placing(target, links=False)
    for folder, folders, names in os.walk(source):
        folders.sort()
        place = Path(folder).relative_to(source)
        placing.directory(place)
        for name in sorted(names):
            if place / name != Path(LOCK_NAME):  # which `verifydata -fix` left in a backup
                placing.file(Path(folder) / name, place / name)
    placing.sync()
    return placing.tally.faults


def renew(directory: Path, clock: Clock = SYSTEM) -> None:
    """Give an account that nobody has open new uidvalidities."""
    account = Account(directory.name, directory, clock=clock)
    try:
        account.write_now(begin_anew)
    finally:
        account.close()


def give_to_owner_of(model: Path, tree: Path) -> None:
    """What root has made belongs to whom the data belongs."""
    if os.geteuid() != 0:
        return
    owner = model.stat()
    for folder, _, names in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
