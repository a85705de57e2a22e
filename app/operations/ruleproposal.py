"""What a message tells for a rule that would take others like it: its mailing list, or its author.

Who is proven to vouch for it comes from the Authentication-Results that delivery put in front; a claim in the message
itself counts for nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.operations.rulesetrun import verified_domains
from app.routing.rulesets import author_of
from app.store.account import provenance
from app.store.account.reader import read_message
from app.wire.domain import Domain
from app.wire.message.header import find_field

_LIST_ID = re.compile(r"<([A-Za-z0-9._-]{1,200})>\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProposal:
    """The conditions that fit the message; empty for what it does not tell."""

    delivered_to: str
    author: str  # address of the From field
    list_id: str
    vouches: Domain | None  # a proven domain that the list's name, or else the author's address, is at or below

    @property
    def list_name(self) -> str:
        """The list in one word, for a mailbox."""
        return self.list_id.partition(".")[0]


def propose(number: int, msg_dir: Path) -> Callable[[sqlite3.Connection], RuleProposal | None]:
    """What to run with `account.read` for a message that came in; None when it is gone."""

    def read(db: sqlite3.Connection) -> RuleProposal | None:
        message = read_message(db, msg_dir, number) if provenance.find_came(db, number) is not None else None
        return _proposal(message.header(), message.prefix) if message is not None else None

    return read


def _proposal(header: bytes, prefix: bytes) -> RuleProposal:
    author = author_of(header)
    found = _LIST_ID.search(find_field(header, "List-Id") or "")
    list_id = found[1].lower() if found else ""
    name = list_id or author.rpartition("@")[2]
    vouching = [
        one for one in verified_domains(prefix) or () if f".{name}".endswith((f".{one.ascii}", f".{one.unicode}"))
    ]
    return RuleProposal(
        delivered_to=find_field(prefix, "Delivered-To") or "",
        author=author,
        list_id=list_id,
        vouches=min(vouching, key=lambda one: len(one.ascii), default=None),
    )
