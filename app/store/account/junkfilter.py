"""The junk filter of an account, asked about a message that has arrived, and told to learn everything again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from app.junk.classifier import Samples
from app.junk.features import FORM, features_of
from app.junk.verdict import JunkVerdict, verdict_on
from app.store.account import junkcounts, junktraining
from app.store.account.handle import Account
from app.store.account.junktrainer import Tell
from app.store.account.prepare import Prepared
from app.wire.message.packed import unpack


async def classify(account: Account, prepared: Prepared) -> JunkVerdict | None:
    """The verdict on a message; None when the account has no filter, or one that has seen too little."""
    if not account.trainer.is_on:
        return None
    return await account.read(lambda db: judge(db, prepared))


def judge(db: sqlite3.Connection, prepared: Prepared) -> JunkVerdict | None:
    """The same on a reader, whatever the configuration says."""
    samples = junkcounts.samples(db)
    if not samples.is_enough or junkcounts.form(db) != FORM:
        return None
    features = features_of(prepared.body.data, unpack(prepared.parts))
    return verdict_on(features, junkcounts.counts(db, features.numbers), samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How far a filter is."""

    samples: Samples
    due: int  # messages whose marks are not learnt yet


async def learning(account: Account) -> Learning:
    """What the filter of the account has learnt from, and what it will."""
    return await account.read(lambda db: Learning(samples=junkcounts.samples(db), due=junktraining.count_due(db)))


async def begin_again(account: Account) -> None:
    """Forget everything; it is learnt again from the flags soon, while the caller does something else."""
    await account.write(lambda tx: junktraining.begin_again(tx.db))
    account.trainer.look_in(0)


async def retrain(account: Account, tell: Tell | None = None) -> Samples:
    """Forget everything and learn it again from the flags there are; returns how many messages were learnt from.

    Deliveries go on meanwhile; until enough is learnt there is no verdict on them. `tell` hears how far it is.
    """
    await account.write(lambda tx: junktraining.begin_again(tx.db))
    await account.trainer.finish(tell)
    return await account.read(junkcounts.samples)
