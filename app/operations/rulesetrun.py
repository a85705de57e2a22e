"""What rules would have done: the last messages of an address, with the rule each falls under and where it would go.

Nothing is changed. Messages are known by the Delivered-To and Return-Path that delivery put in front of them, aliases
included; copies count once. An account that has none for the address (imported mail, say) is shown all its messages
but those sent and drafted, and `DryRun.is_by_address` says so. Which domains a message was verified for is read from
the Authentication-Results that delivery put in front of it; how many have none is told, as VerifiedDomain cannot match
them.

Bounds: MAX_LOOKED_AT messages are looked at for the address, headers only are read, a few at a time on a reader thread,
and after MAX_SECONDS the answer is what there is by then.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.config.dynamic import Ruleset
from app.config.lookup import AliasFound, Destined, Directory
from app.errors import MessageSyntaxError, StoreError, WireError
from app.routing.rulesets import Facts, find_ruleset, read_facts
from app.store.account import history
from app.store.account.handle import Account
from app.store.account.history import Past
from app.store.account.reader import read_message
from app.wire.domain import Domain, parse_domain
from app.wire.message.authresults import FIELD, MethodResult, parse_results
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_field
from app.wire.smtp.address import parse_address

MESSAGES = 500
MAX_LOOKED_AT = 20_000
MAX_SECONDS = 10.0
MAX_SUBJECT = 200  # characters shown
_ROWS = 500  # of the index in one read
_HEADERS = 25  # in one read
_OWN = ("\\Sent", "\\Drafts")
_VOUCHING = {
    ("dkim", "header", "d"),
    ("spf", "smtp", "mailfrom"),
    ("spf", "smtp", "helo"),
    ("auth", "smtp", "mailfrom"),  # a user of this server
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunRow:
    """One message."""

    received: int  # seconds since 1970
    mailbox: str  # where it is now
    author: str  # address of the From field; empty when there is not exactly one
    subject: str
    rule: int | None  # index of the rule it falls under
    target: str  # the mailbox of that rule; empty for the mailbox of the address
    is_checked: bool  # whether delivery looked by whom it verifiably is


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """The outcome, newest message first."""

    rows: tuple[DryRunRow, ...]
    counts: tuple[int, ...]  # messages by rule
    unmatched: int
    is_by_address: bool  # False: no message of the address is known, so these are all messages
    is_complete: bool  # False: time was up, older messages were not looked at
    unverified: int  # messages of which is not known by whom they were verified to be


@dataclass(slots=True)
class _Candidates:
    """Messages that the rules may be tried on."""

    addressed: list[Past] = field(default_factory=list)
    others: list[Past] = field(default_factory=list)


async def dry_run(
    account: Account,
    address: str,
    rulesets: tuple[Ruleset, ...],
    limit: int = MESSAGES,
    directory: Directory | None = None,
) -> DryRun:
    """Try `rulesets` on the last messages of `address`, a key of Destinations.

    With the `directory`, addresses that lead there count too: with separators, in other case, by alias.
    """
    deadline = account.clock.monotonic() + MAX_SECONDS
    is_wanted = functools.partial(_leads_to, address, account.name, directory)
    found = await _candidates(account, is_wanted, limit)
    chosen = found.addressed or found.others
    rows: list[DryRunRow] = []
    is_complete = True
    for start in range(0, len(chosen), _HEADERS):
        if account.clock.monotonic() > deadline:
            is_complete = False
            break
        rows += await _try(account, rulesets, chosen[start : start + _HEADERS])
    return DryRun(
        rows=tuple(rows),
        counts=tuple(sum(row.rule == index for row in rows) for index in range(len(rulesets))),
        unmatched=sum(row.rule is None for row in rows),
        is_by_address=bool(found.addressed),
        is_complete=is_complete,
        unverified=sum(not row.is_checked for row in rows),
    )


async def _candidates(account: Account, is_wanted: Callable[[str], bool], limit: int) -> _Candidates:
    """The newest messages, up to `limit` of each kind; contents are numbered as they arrive."""
    found = _Candidates()
    last = history.NEWEST
    for _ in range(0, MAX_LOOKED_AT, _ROWS):
        rows = await account.read(functools.partial(_past, last))
        for one in rows:
            if one.content_id == last:  # a copy
                continue
            last = one.content_id
            if is_wanted(find_field(one.prefix, "Delivered-To") or ""):
                found.addressed.append(one)
            elif one.special_use not in _OWN and len(found.others) < limit:
                found.others.append(one)
        if len(rows) < _ROWS or len(found.addressed) >= limit:
            break
    del found.addressed[limit:]
    return found


def _past(last: int, db: sqlite3.Connection) -> list[Past]:
    return history.before(db, last, _ROWS)


def _leads_to(address: str, account_name: str, directory: Directory | None, delivered_to: str) -> bool:
    """Whether mail to `delivered_to` is handled by the destination `address` of the account."""
    if not delivered_to:
        return False
    if directory is None:
        written = delivered_to.lower()
        return written.endswith(address.lower()) if address.startswith("@") else written == address.lower()
    return address in destination_keys(directory, account_name, delivered_to)


def destination_keys(directory: Directory, account_name: str, delivered_to: str) -> set[str]:
    """The destinations of the account that mail to `delivered_to` reaches, aliases included."""
    found = _destinations(directory, delivered_to) if delivered_to else ()
    return {one.destination_key for one in found if one.account_name == account_name}


def _destinations(directory: Directory, delivered_to: str) -> Iterable[Destined]:
    try:
        found = directory.find(parse_address(delivered_to))
    except WireError:
        return ()
    if isinstance(found, AliasFound):
        return found.members
    return () if found is None else (found,)


async def _try(account: Account, rulesets: tuple[Ruleset, ...], chosen: list[Past]) -> list[DryRunRow]:
    def work(db: sqlite3.Connection) -> list[DryRunRow]:
        rows = []
        for one in chosen:
            header = _header(db, account, one.content_id)
            if header is not None:
                rows.append(_row(one, header, rulesets))
        return rows

    return await account.read(work)


def _header(db: sqlite3.Connection, account: Account, content_id: int) -> bytes | None:
    """The header section; None when the message has gone meanwhile or its file cannot be read."""
    try:
        message = read_message(db, account.directory / "msg", content_id)
    except StoreError:
        return None
    return message.header() if message is not None else None


def _row(one: Past, header: bytes, rulesets: tuple[Ruleset, ...]) -> DryRunRow:
    return_path = (find_field(header, "Return-Path") or "").removeprefix("<").removesuffix(">")
    verified = verified_domains(one.prefix)
    facts: Facts = read_facts(header, return_path, verified or frozenset())
    rule = find_ruleset(rulesets, facts)
    subject = decode_words(find_field(header, "Subject") or "")
    return DryRunRow(
        received=one.received,
        mailbox=one.mailbox,
        author=facts.msg_from,
        subject=subject[:MAX_SUBJECT],
        rule=None if rule is None else next(index for index, item in enumerate(rulesets) if item is rule),
        target="" if rule is None else rule.mailbox,
        is_checked=verified is not None,
    )


def verified_domains(prefix: bytes) -> frozenset[Domain] | None:
    """The domains that delivery found to vouch for the message; None when it did not look."""
    value = find_field(prefix, FIELD)
    if value is None:
        return None
    try:
        results = parse_results(value).results
    except MessageSyntaxError:
        return None
    passed = (one for one in results if one.result == "pass")
    return frozenset(domain for one in passed if (domain := _vouching(one)) is not None)


def _vouching(one: MethodResult) -> Domain | None:
    for of in one.properties:
        if (one.method, of.kind, of.name) in _VOUCHING:
            try:
                return parse_domain(of.value.rpartition("@")[2])
            except WireError:
                return None
    return None
