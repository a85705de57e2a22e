"""Gathers what the account's flagged mail says about a sender, for `app.junk.reputation` to judge.

Only messages that were meant for the same mailbox count, as what one address of an account gets says little about
another. Each question is one lookup by index with a bound on the rows looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.junk.reputation import ByValidation, Past, Tally
from app.store.account import mailboxes
from app.store.account.provenance import YEAR_S, Kind, Question, Sign, tally, tally_by_validation

# For each kind how far back, and how many of the newest.
_WINDOWS = {
    Kind.ADDRESS: (3 * YEAR_S, 2),
    Kind.DOMAIN: (2 * YEAR_S, 20),
    Kind.ORG_DOMAIN: (2 * YEAR_S, 20),
    Kind.SIGNER: (YEAR_S // 2, 50),
    Kind.MAIL_FROM: (YEAR_S // 2, 50),
    Kind.NETWORK1: (YEAR_S // 4, 50),
    Kind.NETWORK2: (YEAR_S // 4, 50),
    Kind.NETWORK3: (YEAR_S // 4, 50),
}
_NETWORKS = (Kind.NETWORK1, Kind.NETWORK2, Kind.NETWORK3)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """How to ask about a sign."""

    db: sqlite3.Connection
    destined_id: int
    now: int

    def question(self, sign: Sign) -> Question:
        since_s, limit = _WINDOWS[sign.kind]
        return Question(destined_id=self.destined_id, sign=sign, since=self.now - since_s, limit=limit)

    def tally(self, sign: Sign | None) -> Tally:
        return tally(self.db, self.question(sign)) if sign is not None else Tally()

    def by_validation(self, sign: Sign | None) -> ByValidation:
        return tally_by_validation(self.db, self.question(sign)) if sign is not None else ByValidation()


def past(destined: str, signs: Sequence[Sign], now: int) -> Callable[[sqlite3.Connection], Past]:
    """What to run with `account.read`: what is known of a message with these signs that is meant for the mailbox."""

    def read(db: sqlite3.Connection) -> Past:
        mailbox = mailboxes.find(db, destined)
        if mailbox is None:
            return Past()
        return _past(_Lookup(db, mailbox.id, now), signs)

    return read


def _past(lookup: _Lookup, signs: Sequence[Sign]) -> Past:
    by_kind = {sign.kind: sign for sign in signs}
    return Past(
        address=lookup.by_validation(by_kind.get(Kind.ADDRESS)),
        domain=lookup.by_validation(by_kind.get(Kind.DOMAIN)),
        org_domain=lookup.by_validation(by_kind.get(Kind.ORG_DOMAIN)),
        signers={sign.value: lookup.tally(sign) for sign in signs if sign.kind in (Kind.SIGNER, Kind.MAIL_FROM)},
        networks=tuple(lookup.tally(by_kind.get(kind)) for kind in _NETWORKS),
    )
