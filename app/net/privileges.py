"""Drop root for good, after the privileged sockets are bound and before anything else runs.

`drop(user)` gives the process the ids of `user` (a name, or a number when there is no such name) with no supplementary
groups, and then proves that root cannot be taken back. `own(tops, user)` hands over what the server has to write;
`require_reach` says, after the change, which directory is in the way of it.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.errors import MailError

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522


class PrivilegeError(MailError):
    """The process cannot become the user it should run as."""


@dataclass(frozen=True, slots=True)
class Ids:
    """A numeric user and group."""

    uid: int
    gid: int


def lookup_user(name: str) -> Ids:
    """The ids of a user; a number stands for itself. Raises PrivilegeError with what to do."""
    try:
        entry = pwd.getpwnam(name)
        return Ids(entry.pw_uid, entry.pw_gid)
    except KeyError:
        if name.isdigit() and int(name) > 0:
            return Ids(int(name), int(name))
    raise PrivilegeError(
        f"there is no user {name!r} to run as; make it with: useradd --system --home-dir / --shell /usr/sbin/nologin "
        f"{name}  (or set User in mox.conf)"
    )


def own(tops: Iterable[Path], ids: Ids) -> None:
    """Make the user the owner of these directories and all below, closed to others; PrivilegeError for a shared one.

    The user may have put anything there since, while we are root: links are neither followed nor changed, everything
    is reached from the open directory that it stands in, and a file with a second name elsewhere is left alone.
    """
    for top in tops:
        real = top.resolve()
        _require_own_place(real, ids)
        for _, names, files, directory in os.fwalk(real):
            _hand_over(".", directory, ids)
            for name in (*names, *files):
                _hand_over(name, directory, ids)


def _require_own_place(top: Path, ids: Ids) -> None:
    """Refuse directories such as /etc, or somebody's home, that hold more than what is ours."""
    homes = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_uid != ids.uid}
    if top in homes or top in _SHARED:
        raise PrivilegeError(
            f"will not make {top} and all in it the property of mox's user; move the files of mox to a directory of "
            "their own, or set NoFixPermissions in mox.conf and the owners yourself"
        )


_SHARED = frozenset(
    Path("/", name)
    for name in (
        *(
            "",
            "bin",
            "boot",
            "dev",
            "etc",
            "home",
            "lib",
            "lib64",
            "media",
            "mnt",
            "opt",
            "proc",
            "root",
            "run",
            "sbin",
        ),
        *("srv", "sys", "tmp", "usr", "var", "usr/local", "usr/local/etc", "var/lib", "var/mail", "var/tmp"),
    )
)


def _hand_over(name: str, directory: int, ids: Ids) -> None:
    """Change owner and rights of a file or directory by a descriptor, so that nothing can take its place meanwhile."""
    try:
        if _is_right(os.stat(name, dir_fd=directory, follow_symlinks=False), ids):
            return
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        return
    try:
        found = os.fstat(descriptor)
        if not _is_right(found, ids):
            os.fchown(descriptor, ids.uid, ids.gid)
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~stat.S_IRWXO)
    finally:
        os.close(descriptor)


def _is_right(found: os.stat_result, ids: Ids) -> bool:
    """Or nothing that we change: there are keys and mail in these directories, and others have no business there."""
    is_ours = (found.st_uid, found.st_gid) == (ids.uid, ids.gid) and not found.st_mode & stat.S_IRWXO
    return is_ours or not _is_plain(found)


def _is_plain(found: os.stat_result) -> bool:
    """A directory, or a file by one name only."""
    return stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)


def drop(ids: Ids) -> None:
    """Become the user for ever; raises PrivilegeError when root could still be taken back."""
    if ids.uid == 0:
        raise PrivilegeError("User in mox.conf is root; name an unprivileged user")
    _empty_bounding_set()
    os.setgroups([])
    os.setresgid(ids.gid, ids.gid, ids.gid)
    os.setresuid(ids.uid, ids.uid, ids.uid)
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise PrivilegeError("the process could become root again")


def _empty_bounding_set() -> None:
    """Have no program that is started from here on get a capability; a container may not let us, and has its own."""
    if sys.platform == "linux":
        import ctypes

        libc, number = ctypes.CDLL(None), 0
        while libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) == 0:  # fails after the last one that the kernel has
            number += 1


def drop_capabilities() -> None:
    """Have none from here on, nor get any by starting a program (prctl(2), capset(2)); where the kernel has them.

    For a process that is not root: systemd may have given it the one for low ports, which are open by now.
    """
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)())


def require_reach(path: Path, user: str, advice: str) -> None:
    """Raise PrivilegeError, with advice, when the process, now `user`, may not enter `path` or a directory above it."""
    for place in (*reversed(path.parents), path):
        if not os.access(place, os.X_OK):
            raise PrivilegeError(f"user {user!r} cannot reach {path}, as it may not enter {place}; {advice}")
