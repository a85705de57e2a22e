"""The junk filters of accounts, for their operator: have them learn again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from app.config.live import Live
from app.errors import Refusal
from app.store.account import junkfilter
from app.store.accounts import Accounts

Tell: TypeAlias = Callable[[str, int, int], Awaitable[None]]  # of an account, how many messages, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """What a filter has learnt from by now."""

    account: str
    wanted: int
    junk: int


async def retrain(live: Live, accounts: Accounts, name: str, tell: Tell) -> list[Retrained]:
    """Have the filter of an account, or with "" of every account that has one, forget all and learn from the flags.

    Tells how far it is. Raises Refusal for an account that is not there or has no filter. Takes about 6 ms for each
    message with $Junk or $NotJunk; mail is delivered meanwhile, and judged without the filter until it knows enough.
    """
    configured = live.dynamic.accounts
    if name and name not in configured:
        raise Refusal(f"there is no account {name!r}")
    if name and configured[name].junk_filter is None:
        raise Refusal(f"account {name!r} has no junk filter; give it a JunkFilter section in domains.conf first")
    names = [name] if name else [one for one, account in configured.items() if account.junk_filter is not None]
    return [await _retrain_one(accounts, one, tell) for one in names]


async def _retrain_one(accounts: Accounts, name: str, tell: Tell) -> Retrained:
    account = await accounts.open(name)
    samples = await junkfilter.retrain(account, lambda done, expected: tell(name, done, expected))
    return Retrained(account=name, wanted=samples.wanted, junk=samples.junk)
