"""Repairs of accounts, for their operator: each makes one kind of thing anew from what it is made of.

    found = await repair(live, accounts, Wanted(kind=Repair.REPARSE, account="jane"), tell)

Mail goes on meanwhile: what takes long is done in batches, what must be whole in one transaction. All of them may be
run at any time and as often as one likes; on a sound account only `BUMPUIDVALIDITY` and `REASSIGNUIDS` change anything,
after which mail programs load the mailboxes again. A repair that ends early, such as by a full disk, leaves the account
as good as it was, and can be run again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from app.config.live import Live
from app.errors import NoSuchAccount
from app.operations import junkfilters
from app.store.account import indexing, mailboxes, messages, numbering, recounting, reparsing, searchindex
from app.store.account.handle import Account, Tx
from app.store.accounts import Accounts

MAX_SENTENCES: Final = 1000  # told of one account


class Repair(Enum):
    """What is repaired, by the name of the command."""

    FIXUIDMETA = "fixuidmeta"
    FIXMSGSIZE = "fixmsgsize"
    RECALCULATEMAILBOXCOUNTS = "recalculatemailboxcounts"
    BUMPUIDVALIDITY = "bumpuidvalidity"
    REASSIGNUIDS = "reassignuids"
    REPARSE = "reparse"
    REINDEX = "reindex"
    RETRAIN = "retrain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to repair."""

    kind: Repair
    account: str  # "": all
    mailbox: str = ""  # the only one to be numbered anew; "": all


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a repair is."""

    account: str
    done: int
    expected: int


Tell = Callable[[Step], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Repaired:
    """What became of an account."""

    account: str
    changes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what could not be repaired
    more: int = 0  # changes and faults beyond those that are kept

    def add(self, changes: list[str], faults: list[str] | None = None) -> None:
        """Note sentences, as many as are told."""
        for kept, new in ((self.changes, changes), (self.faults, faults or [])):
            room = max(0, MAX_SENTENCES - len(kept))
            kept.extend(new[:room])
            self.more += len(new) - len(new[:room])


@dataclass(frozen=True, slots=True)
class _Job:
    account: Account
    mailbox: str
    tell: Tell
    found: Repaired

    async def step(self, done: int, expected: int) -> None:
        await self.tell(Step(account=self.account.name, done=done, expected=expected))


async def repair(live: Live, accounts: Accounts, wanted: Wanted, tell: Tell) -> list[Repaired]:
    """Repair an account, or all. Raises NoSuchAccount, NoSuchMailbox, and Refusal without a junk filter to train."""
    configured, name = live.dynamic.accounts, wanted.account
    if name and name not in configured:
        raise NoSuchAccount(f"there is no account {name!r}")
    if wanted.kind is Repair.RETRAIN:
        return await _retrain(live, accounts, name, tell)
    found: list[Repaired] = []
    for one in [name] if name else sorted(configured):
        job = _Job(await accounts.open(one), wanted.mailbox, tell, Repaired(account=one))
        await _REPAIRS[wanted.kind](job)
        found.append(job.found)
    return found


async def _retrain(live: Live, accounts: Accounts, name: str, tell: Tell) -> list[Repaired]:
    async def tell_step(account: str, done: int, expected: int) -> None:
        await tell(Step(account=account, done=done, expected=expected))

    done = await junkfilters.retrain(live, accounts, name, tell_step)
    return [
        Repaired(account=one.account, changes=[f"learnt from {one.wanted} wanted and {one.junk} junk messages"])
        for one in done
    ]


def _in_one(fix: Callable[[Tx], list[str]]) -> Callable[[_Job], Awaitable[None]]:
    """A repair that is one transaction."""

    async def carry_out(job: _Job) -> None:
        job.found.add(await job.account.write(fix))

    return carry_out


def _renumber(*, keeps_uids: bool) -> Callable[[_Job], Awaitable[None]]:
    """A repair of one mailbox or all, a transaction each: deliveries wait for one at most."""

    async def carry_out(job: _Job) -> None:
        if job.mailbox:
            names = [(await job.account.read(lambda db: mailboxes.get(db, job.mailbox))).name]
        else:
            names = [one.name for one in await job.account.read(mailboxes.all_mailboxes)]
        for number, name in enumerate(names):
            await job.step(number, len(names))
            job.found.add(await job.account.write(lambda tx, name=name: _renumber_one(tx, name, keeps_uids)))  # type: ignore[misc]

    return carry_out


def _renumber_one(tx: Tx, name: str, keeps_uids: bool) -> list[str]:
    old = mailboxes.find(tx.db, name)
    if old is None:  # deleted or renamed since the list was made
        return []
    changed = sum(uid != rank for rank, uid in enumerate(messages.all_uids(tx.db, old.id), 1))
    new = numbering.renumber(tx, old, keeps_uids=keeps_uids)
    uids = "" if keeps_uids else f", and {changed} of {old.total} messages have new uids"
    return [f"{name}: uidvalidity was {old.uidvalidity}, is {new.uidvalidity}{uids}"]


async def _reparse(job: _Job) -> None:
    account, msg_dir = job.account, job.account.directory / "msg"
    expected, done, last, changed = await account.read(reparsing.count), 0, 0, 0
    while True:
        await job.step(done, expected)
        batch = await account.read(lambda db, last=last: reparsing.look(db, msg_dir, last))  # type: ignore[misc]
        if not batch.looked_at:
            break
        if batch.differing:
            await account.write(lambda tx, batch=batch: reparsing.carry_out(tx, batch.differing))  # type: ignore[misc]
        done, last, changed = done + batch.looked_at, batch.last, changed + len(batch.differing)
        job.found.add([], list(batch.faults))
    job.found.add([f"{done} messages parsed, {changed} of them are understood otherwise now"])


async def _reindex(job: _Job) -> None:
    account = job.account
    expected, done = await account.read(reparsing.count), 0
    await account.write(lambda tx: searchindex.clear(tx.db))
    while count := await indexing.index_segment(account):
        done += count
        await job.step(done, expected)
    job.found.add([f"{done} messages indexed"])


_REPAIRS: Final[Mapping[Repair, Callable[[_Job], Awaitable[None]]]] = {
    Repair.FIXUIDMETA: _in_one(numbering.fix_numbers),
    Repair.FIXMSGSIZE: _in_one(recounting.fix_sizes),
    Repair.RECALCULATEMAILBOXCOUNTS: _in_one(recounting.recount),
    Repair.BUMPUIDVALIDITY: _renumber(keeps_uids=True),
    Repair.REASSIGNUIDS: _renumber(keeps_uids=False),
    Repair.REPARSE: _reparse,
    Repair.REINDEX: _reindex,
}
