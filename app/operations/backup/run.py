"""Makes a backup: everything into an unfinished folder, a look whether it is whole, then its name."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app import VERSION
from app.clock import SYSTEM, Clock
from app.config.loading import load
from app.config.namedfiles import named_outside
from app.errors import Refusal, Temporary
from app.operations.backup import form, lastrun
from app.operations.backup.placing import DIRECTORY_MODE, Placing
from app.operations.datacheck import Check, account_directories, check_data, is_data
from app.operations.mailimport import uploads
from app.store.account.bodies import path_of
from app.store.databasecopy import sync
from app.store.filehold import held

SHARED: Final = frozenset(Path(name) for name in ("/", "/etc", "/usr/local/etc", "/home"))
SKIPPED: Final = frozenset({"tmp", "lock", "ctl", lastrun.FILE})  # of the data directory

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to back up and where to; `links` allows hard links to message files of the data directory."""

    config_path: Path
    data_dir: Path
    target: Path
    earlier: Path | None = None
    links: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished backup; with faults it has all but what they are about."""

    files: int
    linked: int
    copied_bytes: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def back_up(wanted: Wanted, tell: Tell, clock: Clock = SYSTEM) -> Done:
    """Do it; raises Refusal before anything is written, and Temporary when it fails: then nothing of it is left."""
    _require_new(wanted)
    began = clock.now()
    with _unfinished(wanted.target) as root:
        placing = Placing(root, wanted.earlier, links=wanted.links)
        _place_config(placing, wanted)
        left_out = _left_out(wanted.config_path)
        _place_data(placing, wanted, tell)
        tell("verifying")
        _verify(placing)
        tally = placing.tally
        description = form.Description(
            format=form.FORMAT,
            version=VERSION,
            config_file=wanted.config_path.name,
            began=began,
            ended=clock.now(),
            faults=len(tally.faults),
            left_out=tuple(left_out),
        )
        placing.write(form.FILE, description.encoded())
        placing.sync()
        _finish(root, wanted.target)
    return Done(
        files=tally.files,
        linked=tally.linked,
        copied_bytes=tally.copied_bytes,
        faults=tuple(tally.faults),
        notes=(*tally.notes, *(f"not in it: {name}, which the configuration names; keep a copy" for name in left_out)),
    )


def _require_new(wanted: Wanted) -> None:
    target = wanted.target.absolute()
    if os.path.lexists(target):
        raise Refusal(f"{target} is there already; a backup needs a new folder, such as one named after the day")
    if not target.parent.is_dir():
        raise Refusal(f"there is no folder {target.parent}; make it first")
    if target.resolve().is_relative_to(wanted.data_dir.resolve()):
        raise Refusal(f"{target} is within the data directory; name a place outside, best on another disk")
    directory = wanted.config_path.absolute().parent
    if directory not in SHARED and target.resolve().is_relative_to(directory.resolve()):
        raise Refusal(f"{target} is among the files of the configuration; name a place outside, best on another disk")
    if (inside := next((one for one in target.resolve().parents if (one / form.FILE).is_file()), None)) is not None:
        raise Refusal(f"{target} is within the backup {inside}; name a place beside it")
    if not wanted.data_dir.is_dir():
        raise Refusal(f"there is no data in {wanted.data_dir}")
    if wanted.earlier is not None:
        form.describe(wanted.earlier)


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A new folder beside; what a backup that was killed left there is replaced."""
    root = target.with_name(target.name + form.UNFINISHED)
    try:
        if root.is_dir() and not root.is_symlink():
            with _locked(root):
                shutil.rmtree(root)
        root.mkdir(mode=DIRECTORY_MODE)
        with _locked(root):
            try:
                yield root
            except BaseException:
                shutil.rmtree(root, ignore_errors=True)
                raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Temporary(f"the backup failed, nothing of it is kept: {error.strerror or error}{where}") from None


def _finish(root: Path, target: Path) -> None:
    """Give the folder its name, durably or not at all."""
    os.rename(root, target)
    try:
        sync(target.parent)
    except BaseException:
        os.rename(target, root)
        raise


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refusal(f"another backup is being written to {root}") from None
    finally:
        os.close(descriptor)


def _place_config(placing: Placing, wanted: Wanted) -> None:
    """The directory of mox.conf; where that is shared with other programs, the two files alone."""
    directory = wanted.config_path.absolute().parent
    name = Path(form.CONFIG)
    if directory in SHARED:
        for path in (wanted.config_path, directory / "domains.conf"):
            placing.file(path, name / path.name)
        placing.tally.notes.append(f"of {directory} only mox.conf and domains.conf are in it; keep keys yourself")
        return
    left_out = {wanted.data_dir.resolve(), placing.root.resolve()}
    if _is_shared(wanted):
        left_out |= {path.resolve() for path in directory.iterdir() if is_data(path.name)}
    _place_tree(placing, directory, name, left_out - {directory.resolve()})


def _left_out(config_path: Path) -> list[str]:
    """What belongs to the server and is elsewhere, as keys of other programs and web sites are."""
    loaded = load(config_path, files=False)
    return named_outside(loaded.static.value, loaded.dynamic.value, config_path.absolute().parent)


def _is_shared(wanted: Wanted) -> bool:
    """Whether configuration and data are in one directory, as localserve has them."""
    return wanted.config_path.absolute().parent.resolve() == wanted.data_dir.resolve()


def _place_data(placing: Placing, wanted: Wanted, tell: Tell) -> None:
    """The queue before accounts: a message on its way between them is twice in the backup rather than not at all."""
    data_dir, name = wanted.data_dir, Path(form.DATA)
    done: set[Path] = set()
    for path in (data_dir / "queue", *account_directories(data_dir)):
        if (path / "index.db").is_file():
            tell(str(path.relative_to(data_dir)))
            _place_mail(placing, path, name / path.relative_to(data_dir))
            done.add(path)
    tell("server.db and other files")
    is_shared = _is_shared(wanted)
    for path in sorted(data_dir.iterdir()):
        if path.name not in SKIPPED and (is_data(path.name) or not is_shared):
            _place_entry(placing, path, name / path.name, done)


def _place_mail(placing: Placing, directory: Path, name: Path) -> None:
    """A database and the files that it names."""
    with held(directory):
        placing.database(directory / "index.db", name / "index.db")
        placing.directory(name / "msg")
        for one in _named(placing.root / name / "index.db"):
            if (directory / one).is_file():  # what is missing is told by the look at the end
                sha256 = bytes.fromhex(one.name) if len(one.name) == 64 else None
                placing.message(directory / one, name / one, sha256)
    for path in sorted(directory.iterdir()):
        if path.name not in ("msg", "index.db"):
            _place_entry(placing, path, name / path.name, set())


def _named(database: Path) -> list[Path]:
    """The message files that a copied database needs, of an account or the queue."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'recipient'").fetchone():
                sql = "SELECT id FROM message WHERE id NOT IN (SELECT message FROM body)"
                return [Path("msg", str(number)) for (number,) in db.execute(sql)]
            return [path_of(Path("msg"), key) for (key,) in db.execute("SELECT hash FROM body WHERE data IS NULL")]
    except sqlite3.Error:  # damaged, which was told
        return []


def _place_entry(placing: Placing, path: Path, name: Path, left_out: set[Path]) -> None:
    """A file or directory of the data directory that has no rules of its own."""
    if path in left_out or _is_passing(name):
        return
    try:
        mode = path.lstat().st_mode
        entries = sorted(path.iterdir()) if stat.S_ISDIR(mode) else []
    except FileNotFoundError:  # it went away meanwhile
        return
    except OSError as error:
        placing.tally.faults.append(f"{name} cannot be read: {error.strerror}")
        return
    if stat.S_ISDIR(mode):
        placing.directory(name)
        for entry in entries:
            _place_entry(placing, entry, name / entry.name, left_out)
    elif stat.S_ISREG(mode) and path.suffix == ".db":
        placing.database(path, name)
    elif stat.S_ISREG(mode):
        placing.file(path, name)
    else:
        placing.tally.notes.append(f"{path} is no file, and left out")


def _place_tree(placing: Placing, directory: Path, name: Path, left_out: set[Path]) -> None:
    placing.directory(name)
    for path in sorted(directory.iterdir()):
        if path.resolve() in left_out:
            continue
        if path.is_file():
            placing.file(path, name / path.name)
        elif path.is_dir() and not path.is_symlink():
            _place_tree(placing, path, name / path.name, left_out)
        else:
            placing.tally.notes.append(f"{path} is no file, and left out")


def _is_passing(name: Path) -> bool:
    """Whether it belongs to a database that is copied whole, is from before an upgrade, or is only just arriving."""
    if name.parts[:2] == (form.DATA, uploads.DIRECTORY):
        return name.name.startswith(uploads.PART)
    return name.name.endswith((".db-wal", ".db-shm", ".db-journal", ".part")) or ".db.before-" in name.name


def _verify(placing: Placing) -> None:
    for part in check_data(placing.root / form.DATA, Check(hashes=False)):
        placing.tally.faults += [f"{part.place}: {text}" for text in part.faults]
