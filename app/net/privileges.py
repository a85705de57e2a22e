"""Drop root for good, after the privileged sockets are bound and before anything else runs.

`drop(user)` gives the process the ids of `user` (a name, or a number when there is no such name) with no supplementary
groups, and then proves that root cannot be taken back. `own(paths, user)` hands over what the server has to write;
`require_reach` says, after the change, which directory is in the way of it.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.errors import MailError


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


def own(paths: Iterable[Path], ids: Ids) -> None:
    """Make the user the owner of these directories and all below them; symbolic links are not followed."""
    for top in paths:
        for directory, names, files in os.walk(top):
            for name in (".", *names, *files):
                os.chown(os.path.join(directory, name), ids.uid, ids.gid, follow_symlinks=False)


def drop(ids: Ids) -> None:
    """Become the user for ever; raises PrivilegeError when root could still be taken back."""
    if ids.uid == 0:
        raise PrivilegeError("User in mox.conf is root; name an unprivileged user")
    os.setgroups([])
    os.setresgid(ids.gid, ids.gid, ids.gid)
    os.setresuid(ids.uid, ids.uid, ids.uid)
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise PrivilegeError("the process could become root again")


def require_reach(path: Path, user: str, advice: str) -> None:
    """Raise PrivilegeError, with advice, when the process, now `user`, may not enter `path` or a directory above it."""
    for place in (*reversed(path.parents), path):
        if not os.access(place, os.X_OK):
            raise PrivilegeError(f"user {user!r} cannot reach {path}, as it may not enter {place}; {advice}")
