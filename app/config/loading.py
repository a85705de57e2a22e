"""mox.conf and the domains.conf beside it: read, completed, checked, with every problem of both files.

`load` never raises for what the files say; `Loaded.problems` decides whether they may be used. With `files=False`
certificates and keys that the settings name are not opened, for files of another machine.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from app.config.check_dynamic import DynamicChecks
from app.config.check_static import StaticChecks
from app.config.dynamic import Account, Dynamic
from app.config.reading import Reading, read
from app.config.static import Static
from app.errors import Problem

DOMAINS_CONF = "domains.conf"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Both files."""

    static: Reading[Static]
    dynamic: Reading[Dynamic]

    @property
    def problems(self) -> list[Problem]:
        """Everything wrong in both, in the order of the files; without mox.conf nothing can be said of the other."""
        if self.static.is_unread:
            return self.static.problems
        return [*self.static.problems, *self.dynamic.problems]


def load(path: Path, *, files: bool = True) -> Loaded:
    """What mox.conf at `path` and the domains.conf beside it say."""
    static = load_static(path, files=files)
    return Loaded(static, load_dynamic(path.parent / DOMAINS_CONF, static.value, files=files))


def load_static(path: Path, *, files: bool = True) -> Reading[Static]:
    """mox.conf, checked."""
    reading = read_file(path, Static)
    StaticChecks(reading.value, reading.places, path.parent if files else None).run()
    return reading


def load_dynamic(path: Path, static: Static, *, files: bool = True) -> Reading[Dynamic]:
    """domains.conf, completed and checked."""
    reading = read_file(path, Dynamic)
    return check_dynamic(reading, static, path.parent if files else None)


def check_dynamic(reading: Reading[Dynamic], static: Static, directory: Path | None) -> Reading[Dynamic]:
    """A reading of domains.conf with old address forms completed, and everything checked."""
    value = complete(reading.value)
    _place_completed(reading)
    checked = dataclasses.replace(reading, value=value)
    DynamicChecks(static, value, reading.places, directory).run()
    return checked


def read_file(path: Path, declaration: type[T]) -> Reading[T]:
    """The value of a file; a file that cannot be opened is a problem too."""
    try:
        data = path.read_bytes()
    except OSError as err:
        reading = read(b"", path.name, declaration)
        problem = Problem(file=str(path), line=0, path="", text=f"cannot be read: {err.strerror}")
        reading.places.problems[:] = [problem]
        reading.places.broken.add(())
        return reading
    return read(data, path.name, declaration)


def complete(dynamic: Dynamic) -> Dynamic:
    """The same with old destination keys, a localpart alone, completed with the domain of the account."""
    accounts = {name: _complete_account(account) for name, account in dynamic.accounts.items()}
    return dynamic if accounts == dynamic.accounts else dataclasses.replace(dynamic, accounts=accounts)


def _complete_account(account: Account) -> Account:
    if all("@" in key for key in account.destinations):
        return account
    completed = {_full_key(account, key): destination for key, destination in account.destinations.items()}
    return dataclasses.replace(account, destinations=completed)


def _full_key(account: Account, key: str) -> str:
    """The key with its domain; as it is, for the checks to complain about, when the full one is there too."""
    full = f"{key}@{account.domain}"
    return key if "@" in key or full in account.destinations else full


def _place_completed(reading: Reading[Dynamic]) -> None:
    """Give completed keys the lines of the short ones."""
    for path, line in list(reading.places.lines.items()):
        match path:
            case ("Accounts", name, "Destinations", key, *rest) if "@" not in key and name in reading.value.accounts:
                full = _full_key(reading.value.accounts[name], key)
                reading.places.lines.setdefault(("Accounts", name, "Destinations", full, *rest), line)
