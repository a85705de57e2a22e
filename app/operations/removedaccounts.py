"""Removing an account with its mail, and bringing it back: nothing is erased until somebody asks for that.

    data/removed/jane-20260921T141320/
      account.conf      its part of domains.conf, and the aliases that it was in
      mail/             what was accounts/jane: messages, password, everything

Removing takes the account out of the configuration first, so that nothing new reaches it, then ends the connections and
web sessions that use it, then moves the directory. Killed in between, the directory stands where it was, and restoring
finds it there. What the account sent and what waits in the queue goes out as usual.

Restoring refuses when the name or an address is taken by then. Erasing is for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.clock import Clock, utc
from app.config.dynamic import Account, Dynamic
from app.config.live import Live
from app.config.reading import read
from app.config.schema import optional, required, settings
from app.config.writing import write
from app.errors import Refusal, Temporary
from app.operations.accounts import refuse_account_name, set_login_disabled, without_account
from app.operations.aliases import aliases_with, with_member
from app.operations.edits import change, with_account
from app.operations.newfiles import PRIVATE, NewFile, written
from app.store.accounts import Accounts
from app.store.clientkeys import ClientKeys
from app.store.queuedb import QueueDb
from app.store.websessions import Kind, WebSessions

DIRECTORY = "removed"
_RECORD, _MAIL = "account.conf", "mail"
_ID = re.compile(r"[^/\x00]{1,100}-([0-9]{8}T[0-9]{6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Where accounts are: the configuration, their data, who is signed in, what the queue knows of them."""

    live: Live
    accounts: Accounts
    sessions: WebSessions
    keys: ClientKeys
    queue: QueueDb
    clock: Clock


@settings
class Record:
    """What the configuration said about an account that was removed."""

    name: str = required("Name of the account.")
    removed: int = required("When it was removed, in seconds since 1970.")
    account: Account = required("Its settings.")
    aliases: tuple[str, ...] = optional("Memberships: an address, a space, the alias.", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedAccount:
    """An account that can be brought back."""

    id: str  # the name of its directory
    name: str
    removed: float
    addresses: tuple[str, ...]
    full_name: str


async def remove_account(holdings: Holdings, name: str, *, by: str = "") -> RemovedAccount:
    """Take an account away and move its mail aside; raises Refusal when something needs the account."""
    return await asyncio.shield(asyncio.ensure_future(_remove(holdings, name, by)))


async def restore_account(holdings: Holdings, number: str, *, by: str = "") -> str:
    """Bring a removed account back with its mail and password; its name. `number` is the id of RemovedAccount."""
    return await asyncio.to_thread(_restore, holdings.live, number, by)


async def stop_sign_ins(holdings: Holdings, name: str, reason: str, *, by: str = "") -> None:
    """Let nobody sign in to an account, telling the reason, and end what is signed in now."""
    if not reason.strip():
        raise Refusal("say why nobody may sign in; the text is shown to who tries")
    await asyncio.to_thread(set_login_disabled, holdings.live, name, reason, by=by)
    holdings.accounts.send_away(name)
    await holdings.sessions.end_all(Kind.ACCOUNT, name)


def removed_accounts(data_dir: Path) -> Sequence[RemovedAccount]:
    """The accounts that can be brought back, the last removed first."""
    found: list[RemovedAccount] = []
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(data_dir / DIRECTORY):
            if entry.is_dir(follow_symlinks=False) and (record := _record(data_dir, entry.name)):
                found.append(_summary(entry.name, record))
    return sorted(found, key=lambda one: (one.removed, one.id), reverse=True)


def put_aside(data_dir: Path, dynamic: Dynamic, name: str, now: float, place_mail: Callable[[Path], None]) -> str:
    """Have an account of another configuration, as of a backup, among the removed ones; its id for restore_account.

    `place_mail` makes the directory of its mail; when it fails nothing of the account is left.
    """
    place = _place_of(data_dir, name, now)
    record = _record_of(dynamic, name, now)
    try:
        place_mail(place / _MAIL)
        with written([NewFile(place / _RECORD, write(record), PRIVATE)]):
            return place.name
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _place_of(data_dir: Path, name: str, now: float) -> Path:
    """A new place for an account that is removed now."""
    places = (
        data_dir / DIRECTORY / f"{name}-{utc(now + more).strftime('%Y%m%dT%H%M%S')}" for more in itertools.count()
    )
    return next(place for place in places if not os.path.lexists(place))


async def erase_removed(holdings: Holdings, number: str) -> str:
    """Erase a removed account for good, with its rules of the queue; its name.

    The rules stay when they may be those of another account, which was given the name since.
    """
    name = await asyncio.to_thread(erase_account, holdings.live.data_dir, number)
    others = await asyncio.to_thread(removed_accounts, holdings.live.data_dir)
    if name not in holdings.live.dynamic.accounts and all(one.name != name for one in others):
        await holdings.queue.suppressions.forget(name)
        await holdings.queue.hold_rules.forget(name)
    return name


def erase_account(data_dir: Path, number: str) -> str:
    """Erase a removed account with its mail for good; its name."""
    record = _need_record(data_dir, number)
    try:
        shutil.rmtree(data_dir / DIRECTORY / number)
    except OSError as err:
        raise Temporary(f"not all of {err.filename or number} could be erased: {err.strerror}") from err
    return record.name


@contextlib.contextmanager
def mail_back(data_dir: Path, names: Sequence[str]) -> Iterator[None]:
    """The mail of these accounts, where it was moved aside last, in its place; aside again when the block fails."""
    moved: list[tuple[Path, Path]] = []
    try:
        for name in names:
            place = next(
                (data_dir / DIRECTORY / one.id for one in removed_accounts(data_dir) if one.name == name), None
            )
            home = data_dir / "accounts" / name
            if place and (place / _MAIL).is_dir() and not home.exists():
                _move(place / _MAIL, home)
                moved.append((place, home))
        yield
    except BaseException:
        for place, home in reversed(moved):
            _move(home, place / _MAIL)
        raise
    for place, _ in moved:
        shutil.rmtree(place, ignore_errors=True)


async def _remove(holdings: Holdings, name: str, by: str) -> RemovedAccount:
    place, record = await asyncio.to_thread(_take_out, holdings, name, by)
    await holdings.accounts.release(name)
    await holdings.sessions.end_all(Kind.ACCOUNT, name)
    await holdings.keys.remove_all(name)
    await asyncio.to_thread(_move, _mail_of(holdings.live, name), place / _MAIL)
    return _summary(place.name, record)


def _take_out(holdings: Holdings, name: str, by: str) -> tuple[Path, Record]:
    """The account out of the configuration; where its mail goes, and what can bring it back."""
    live, now = holdings.live, holdings.clock.now()
    present = live.dynamic
    without_account(present, live.static, name)  # raises, before anything is written
    record = _record_of(present, name, now)
    place = _place_of(live.data_dir, name, now)

    def edit(dynamic: Dynamic) -> Dynamic:
        rest = without_account(dynamic, live.static, name)
        if _record_of(dynamic, name, now) != record:
            raise Temporary(f"the account {name!r} was changed at this moment; try again")
        return rest

    with written([NewFile(place / _RECORD, write(record), PRIVATE)]):
        change(live, edit, by, f"account {name} removed")
    return place, record


def _record_of(dynamic: Dynamic, name: str, now: float) -> Record:
    account = dynamic.accounts[name]
    memberships = tuple(
        f"{key} {found.address}" for key in account.destinations for found in aliases_with(dynamic, key)
    )
    return Record(name=name, removed=int(now), account=account, aliases=memberships)


def _restore(live: Live, number: str, by: str) -> str:
    record = _need_record(live.data_dir, number)
    place = live.data_dir / DIRECTORY / number
    aside, home = place / _MAIL, _mail_of(live, record.name)
    is_aside = aside.is_dir()

    def edit(dynamic: Dynamic) -> Dynamic:
        if record.name in dynamic.accounts or is_aside:
            refuse_account_name(live, dynamic, record.name)
        dynamic = with_account(dynamic, record.name, record.account)
        for membership in record.aliases:
            address, _, alias = membership.rpartition(" ")
            dynamic = with_member(dynamic, alias, address)
        if is_aside:  # last, and before the account can be opened, which would make a new directory
            _move(aside, home)
        return dynamic

    try:
        change(live, edit, by, f"account {record.name} restored")
    except BaseException:
        if is_aside and not aside.exists():
            _move(home, aside)
        raise
    shutil.rmtree(place, ignore_errors=True)
    return record.name


def _mail_of(live: Live, name: str) -> Path:
    return live.data_dir / "accounts" / name


def _move(source: Path, target: Path) -> None:
    """Move a directory within the data directory; one that is not there is an account that was never opened."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        source.rename(target)
        for directory in (source.parent, target.parent):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        return
    except OSError as err:
        raise Temporary(f"{source} cannot be moved to {target}: {err.strerror}") from err


def _need_record(data_dir: Path, number: str) -> Record:
    if record := _record(data_dir, number):
        return record
    raise Refusal(f"there is no removed account {number!r}")


def _record(data_dir: Path, number: str) -> Record | None:
    """What was kept about a removed account; None for what is none, or is broken."""
    if not _ID.fullmatch(number):
        return None
    try:
        reading = read((data_dir / DIRECTORY / number / _RECORD).read_bytes(), _RECORD, Record)
    except OSError:
        return None
    return None if reading.problems or not reading.value.name else reading.value


def _summary(number: str, record: Record) -> RemovedAccount:
    return RemovedAccount(
        id=number,
        name=record.name,
        removed=float(record.removed),
        addresses=tuple(record.account.destinations),
        full_name=record.account.full_name,
    )
