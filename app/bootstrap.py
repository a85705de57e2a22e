"""The first code of mox.pyz: finds or makes the unpacked copy of the program, then starts it.

It travels in the archive as `_boot` and imports only the standard library, the costly parts of it only when it unpacks.
Compiled packages cannot be imported from a zip, so everything is unpacked once, with byte-code, into a directory named
after the content (`mox-VERSION-BUILD-TARGET`) below the first usable cache root. A warm start is a few lstat calls.

What it promises: a copy appears whole or not at all, also when several processes start at once or the power fails; code
is only ever loaded from directories that belong to root or to us and that nobody else can write; a copy made by root is
readable by the user that root drops to, and never writable; a copy in use is never removed.

What can go wrong: no root is writable, all are noexec, or the archive has nothing for this Python. Each ends in a
message that says why, root by root, and what to set. Child processes get the copy's path in MOX_ENTRY, so that
replacing mox.pyz under a running server does not mix two versions.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# build_zipapp.py writes the real values here.
VERSION = "source"
BUILD = "source"

MARK = ".ok"  # in each copy: its age says when the copy was last used, locks on it that it is in use
UNPACKING = ".mox-unpack-"
UNUSED_S = 14 * 86400
LOCK_WAIT_S = 120
INTERRUPTED = 130


class Unusable(Exception):
    """This place cannot be used; the text says why."""


def main() -> None:
    """Starts; who ends it by ctrl-c, however early, gets the exit code for that and nothing else."""
    try:
        start()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def start() -> None:
    """Answers `version` itself; everything else runs from the unpacked copy."""
    arguments = sys.argv[1:]
    if arguments in (["version"], ["--version"]):
        print(version_text())
        return
    if arguments[:1] == ["--unpack-to"]:
        if len(arguments) != 2:
            sys.exit("usage: mox.pyz --unpack-to DIRECTORY")
        print(make_entry([os.path.abspath(arguments[1])]))
        return
    sys.exit(run(find_entry() or make_entry(roots()), arguments))


def version_text() -> str:
    """Version, then the interpreter, platform and build that a bug report needs."""
    return f"mox {VERSION}\nPython {sys.version.split()[0]}, {target()}, build {BUILD[:16]}"


def run(entry: str, arguments: list[str]) -> int:
    """Runs the command line from the unpacked copy and returns its exit code."""
    os.environ["MOX_ENTRY"] = entry
    # What the machine's Python has installed besides is not what this file was tested with.
    sys.path[:] = [entry, *(path for path in sys.path[1:] if not path.endswith(("site-packages", "dist-packages")))]
    from importlib import import_module  # by name, as the packages are only to be found now

    try:
        code: int = import_module("app.cli.main").main(arguments)
    except ImportError as error:
        sys.exit(
            f"mox: its unpacked copy is damaged: {error}\n"
            f"Remove {entry} (a running server uses it, too), then run this again: it is unpacked anew."
        )
    return code


def target() -> str:
    """This interpreter and platform as the archive names them, such as "cp311-x86_64-linux-gnu"."""
    from importlib.machinery import EXTENSION_SUFFIXES

    parts = EXTENSION_SUFFIXES[0].lstrip(".").split(".")[0].split("-")  # cpython-311-x86_64-linux-gnu
    if parts[0] == "cpython":
        parts[:2] = ["cp" + parts[1]]
    if parts[1:] == ["darwin"]:
        parts.insert(1, os.uname().machine)
    return "-".join(parts)


def entry_name() -> str:
    """The directory name of the copy that belongs to this archive and this interpreter."""
    return f"mox-{VERSION}-{BUILD[:16]}-{target()}"


def roots() -> list[str]:
    """Where copies may live, best first. MOX_CACHE stands alone: who names a place wants that one or an error."""
    explicit = os.environ.get("MOX_CACHE")
    if explicit:
        return [os.path.abspath(explicit)]
    uid = os.geteuid()
    managed = os.environ.get("CACHE_DIRECTORY", "").split(":")[0]
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(os.path.expanduser("~"), ".cache")
    candidates = [managed] if os.path.isabs(managed) else []
    if uid == 0:
        candidates.append("/var/cache/mox")
    if os.path.isabs(home) and home != "/.cache":
        candidates.append(os.path.join(home, "mox"))
    if uid != 0:
        candidates.append("/var/cache/mox")
    return [*candidates, f"/var/tmp/mox-{uid}", f"/dev/shm/mox-{uid}"]


def find_entry() -> str | None:
    """A copy that is there already: the parent process's, or one of this build in any root."""
    inherited = os.environ.pop("MOX_ENTRY", "")
    if os.path.isabs(inherited) and inherited.endswith("-" + target()) and is_usable(inherited):
        return inherited
    name = entry_name()
    for root in roots():
        entry = os.path.join(root, name)
        if is_usable(entry):
            return entry
    return None


def is_usable(entry: str) -> bool:
    """Whether code may be loaded from this copy; if so, it is held until this process ends."""
    try:
        check_trusted(os.path.dirname(entry))
        check_trusted(entry)
        check_executable(entry)
        return hold(entry)
    except (OSError, Unusable):
        return False


def check_trusted(path: str) -> None:
    """Code from a directory that somebody else can change would be that person's code with our rights."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise Unusable("is a symbolic link; name the directory itself")
    if not stat.S_ISDIR(found.st_mode):
        raise Unusable("is not a directory")
    if found.st_uid not in (0, os.geteuid()):
        raise Unusable(f"belongs to another user (uid {found.st_uid})")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unusable(f"may be written by other users (mode {stat.S_IMODE(found.st_mode):04o})")


def check_executable(path: str) -> None:
    """Compiled packages do not load from a file system mounted noexec."""
    if os.statvfs(path).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise Unusable("is on a file system mounted noexec")


def hold(entry: str) -> bool:
    """Takes a shared lock on the copy, kept open on purpose, and notes once a day that it is used."""
    import time

    mark = os.open(os.path.join(entry, MARK), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    if not lock(mark, exclusive=False):
        os.close(mark)
        return False
    if time.time() - os.fstat(mark).st_mtime > 86400:
        import contextlib

        with contextlib.suppress(OSError):  # root's copy, used by the user that root dropped to
            os.utime(mark)
    return os.path.exists(entry)  # it may have been moved away before the lock was ours


def lock(descriptor: int, *, exclusive: bool) -> bool:
    """Tries a lock without waiting. A file system that knows no locks counts as locked: the rename is atomic anyway."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def make_entry(candidates: list[str]) -> str:
    """Unpacks into the first root that works. Ends the program with every reason when none does."""
    if os.name != "posix":
        sys.exit("mox: runs on Linux and macOS only.")
    reasons = []
    for root in candidates:
        try:
            return make_entry_in(root)
        except Unusable as error:
            reasons.append(f"  {root}: {error}")
        except OSError as error:
            reasons.append(f"  {root}: {(error.strerror or str(error)).lower()}")
    sys.exit(
        "mox: found no place to unpack itself. Tried:\n"
        + "\n".join(reasons)
        + "\nSet MOX_CACHE to a directory of yours that can be written, that nobody else can write, and that is not on"
        " a file system mounted noexec."
    )


def make_entry_in(root: str) -> str:
    """One root: create it if need be, check it, and unpack unless somebody else just did."""
    make_root(root)
    check_trusted(root)
    check_executable(root)
    before = os.umask(0o022)
    try:
        guard = os.open(os.path.join(root, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            wait_for_lock(guard)
            entry = os.path.join(root, entry_name())
            if not is_usable(entry):
                unpack(root, entry)
                remove_unused(root, entry)
                if not is_usable(entry):
                    raise Unusable(f"holds {entry}, which belongs to another user or may be written by others")
            return entry
        finally:
            os.close(guard)
    finally:
        os.umask(before)


def make_root(root: str) -> None:
    """Creates the root and at most one directory above it, so that a wrong HOME does not grow a tree."""
    mode = 0o755 if os.geteuid() == 0 else 0o700
    for directory in (os.path.dirname(root), root):
        try:
            os.mkdir(directory, mode)
        except FileExistsError:
            continue
        if mode == 0o755:
            os.chmod(directory, mode)  # whatever the umask: the user that root drops to has to read it


def wait_for_lock(guard: int) -> None:
    """Waits while another process unpacks, but not for ever."""
    import time

    for _ in range(LOCK_WAIT_S * 20):
        if lock(guard, exclusive=True):
            return
        time.sleep(0.05)
    raise Unusable(f"another process has been unpacking there for more than {LOCK_WAIT_S} seconds")


def unpack(root: str, entry: str) -> None:
    """Writes the copy beside its final name, compiles it, brings it to the disk, and renames it."""
    import compileall
    import py_compile
    import shutil
    import tempfile

    if sys.stderr.isatty():
        print(f"mox: unpacking into {root}, only at the first start", file=sys.stderr)
    for left in os.listdir(root):
        if left.startswith(UNPACKING):  # of a process that was killed; the lock is ours
            shutil.rmtree(os.path.join(root, left), ignore_errors=True)
    work = tempfile.mkdtemp(prefix=UNPACKING, dir=root)
    try:
        os.chmod(work, 0o755)
        write_files(work)
        sys.pycache_prefix = None
        compileall.compile_dir(work, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        os.close(os.open(os.path.join(work, MARK), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        os.sync()  # one for all is much cheaper than an fsync for each of a thousand files
        os.rename(work, entry)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def write_files(work: str) -> None:
    """Writes every file of this interpreter's payload below the directory."""
    made = {""}
    for path, data in payload(os.path.dirname(os.path.abspath(__file__)), target()):
        directory = path.rpartition("/")[0]
        if directory not in made:
            os.makedirs(os.path.join(work, directory), exist_ok=True)
            made.add(directory)
        with open(os.path.join(work, path), "xb") as file:
            file.write(data)


def payload(archive: str, wanted: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file for one target; build_zipapp.py describes the format."""
    import json
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(archive) as opened:
            index = json.loads(opened.read("p/index.json"))
            if wanted not in index["targets"]:
                carried = "\n".join("  " + name for name in index["targets"])
                sys.exit(f"mox: this file has nothing for this Python ({wanted}). It carries:\n{carried}")
            for number in index["targets"][wanted]:
                data, start = opened.read(f"p/{number}"), 0
                for path, size in index["groups"][number]["files"]:
                    yield path, data[start : start + size]
                    start += size
    except (zipfile.BadZipFile, zlib.error, KeyError):  # each member carries a checksum
        sys.exit("mox: this file is damaged. Download or build it again.")


def remove_unused(root: str, current: str) -> None:
    """Removes copies that no process holds and none has used for two weeks; the latest of them stays for a way back."""
    import shutil
    import time

    others = []
    for name in os.listdir(root):
        entry = os.path.join(root, name)
        mark = os.path.join(entry, MARK)
        if name.startswith("mox-") and entry != current and os.path.isfile(mark):
            others.append((os.stat(mark).st_mtime, entry))
    for used, entry in sorted(others)[:-1]:
        descriptor = os.open(os.path.join(entry, MARK), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        if time.time() - used > UNUSED_S and lock(descriptor, exclusive=True):
            gone = os.path.join(root, UNPACKING + os.path.basename(entry))
            os.rename(entry, gone)
            shutil.rmtree(gone, ignore_errors=True)
        os.close(descriptor)
