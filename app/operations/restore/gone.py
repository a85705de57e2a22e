"""Brings back an account that the configuration does not have any more, or whose mail is gone, from a backup.

One that the configuration does not have is put among the removed accounts, with its settings and aliases of then, and
comes back as those do: by `removedaccounts.restore_account`, which refuses when the name or an address is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.config.loading import DOMAINS_CONF, load_dynamic
from app.errors import Refusal
from app.operations import removedaccounts
from app.operations.backup import form
from app.operations.restore.selecting import account_directory
from app.operations.restore.whole import give_to_owner_of, place_account


def is_without_mail(live: Live, name: str) -> bool:
    """Whether the configuration has an account that has no directory."""
    return name in live.dynamic.accounts and not (live.data_dir / "accounts" / name).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An account that can be restored now under its id; `faults` is what is damaged in it."""

    id: str
    faults: tuple[str, ...]


def bring_mail(backup: Path, name: str, data_dir: Path) -> list[str]:
    """The directory of an account that has none, while nobody else works on the data; returns what is damaged in it."""
    return place_account(account_directory(backup, name), data_dir / "accounts" / name)


def bring_among_removed(backup: Path, name: str, live: Live, clock: Clock = SYSTEM) -> Brought:
    """Have it among the removed accounts; raises Refusal, NoSuchAccount, Temporary."""
    source = account_directory(backup, name)
    dynamic = load_dynamic(backup / form.CONFIG / DOMAINS_CONF, live.static, files=False).value
    if name not in dynamic.accounts:
        raise Refusal(f"{DOMAINS_CONF} of the backup has no account {name!r}; add it with 'config account add' first")
    if (live.data_dir / "accounts" / name).exists():
        raise Refusal(f"{live.data_dir / 'accounts' / name} is there already; nothing is overwritten")
    faults: list[str] = []

    def place(mail: Path) -> None:
        faults.extend(place_account(source, mail, clock))

    number = removedaccounts.put_aside(live.data_dir, dynamic, name, clock.now(), place)
    give_to_owner_of(live.data_dir, live.data_dir / removedaccounts.DIRECTORY)
    return Brought(id=number, faults=tuple(faults))
