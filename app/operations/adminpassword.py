"""The administrator's password: a hash in the file that AdminPasswordFile names, and passwords that we make.

Ours is an argon2id hash in its usual text form ("$argon2id$..."). A file of Go mox has a bcrypt hash, which begins with
"$2a$", "$2b$" or "$2y$" and has 60 characters: it is told apart by that, and cannot be checked here, as bcrypt is not
among our libraries. `check` then raises OldHash, whose text says to set a new password; nothing is lost by that but the
password. The file is replaced in one step and has mode 0660 at most, as mox's.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from app.errors import MailError, Temporary
from app.operations.newfiles import PRIVATE
from app.store.account.credentials import prepare, verify_password

MADE_LENGTH = 12
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that look alike
_BCRYPT = re.compile(r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}")


class OldHash(MailError):
    """The file has a bcrypt hash of Go mox."""


def make_password() -> str:
    """A new password of 12 characters: 70 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(MADE_LENGTH))


def hash_password(password: str) -> str:
    """The content of the file for a password; takes about 50 ms. Raises BadPassword."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(prepare(password)) + "\n"


def is_bcrypt(stored: str) -> bool:
    """Whether the file was written by Go mox."""
    return _BCRYPT.fullmatch(stored.strip()) is not None


def check(stored: str, password: str) -> bool:
    """Whether this is the password; raises OldHash for a hash of Go mox."""
    if is_bcrypt(stored):
        raise OldHash("the admin password was set by the Go server; set a new one with: setadminpassword")
    return verify_password(stored.strip(), password)


def set_admin_password(path: Path, password: str) -> None:
    """Replace the file; raises BadPassword, or Temporary when it cannot be written."""
    content = hash_password(password)
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with open(descriptor, "w", encoding="ascii") as output:
            if path.exists():
                _keep_owner(descriptor, path)
            output.write(content)
            output.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError as err:
        temporary.unlink(missing_ok=True)
        raise Temporary(f"{path} cannot be written: {err.strerror}") from err


def _keep_owner(descriptor: int, path: Path) -> None:
    status = path.stat()
    os.fchmod(descriptor, status.st_mode & 0o660)
    if os.geteuid() == 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)
