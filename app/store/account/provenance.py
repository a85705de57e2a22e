"""Where a delivered message came from and why it was let in: kept for each content that came by SMTP.

`keep` writes it with the message, in its transaction. Its `signs` (who sent it, who vouched for it, from which network)
are what reputation is looked up by: a sign says of a new message what the flags of earlier ones with the same sign say.
Rows go when their content is erased. `trace` is text for the person whose mail it is: what was checked, what decided.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from app.junk.reputation import ByValidation, Tally
from app.store.account.handle import Tx
from app.wire.imap.flags import JUNK, NOTJUNK

MAX_LOOKED_AT = 500  # of the newest messages with a sign, most of which may have no flag

YEAR_S = 365 * 24 * 3600


class Kind(IntEnum):
    """What a sign is; the numbers stand in the database."""

    ADDRESS = 1  # of the From field
    DOMAIN = 2
    ORG_DOMAIN = 3
    SIGNER = 4  # a domain with a passing DKIM signature
    MAIL_FROM = 5  # an address or a domain that SPF has proved
    NETWORK1 = 6
    NETWORK2 = 7
    NETWORK3 = 8


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that messages of one sender have in common."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is kept of the delivery of one message."""

    destined: str  # the mailbox it was meant for, and for which its flags count
    signs: Sequence[Sign]
    localpart: str = ""  # of the From address
    is_validated: bool = False  # the From address
    is_reject: bool = False
    reason: str = ""  # the word of the rule that decided
    trace: str = ""  # lines of text for people


@dataclass(frozen=True, slots=True)
class Told:
    """What the account page says of a message."""

    is_reject: bool
    reason: str
    trace: str


def keep(tx: Tx, content_id: int, destined_id: int, provenance: Provenance) -> None:
    """Write the row of a content, and its signs."""
    now = tx.now()
    one = provenance
    tx.db.execute(
        "INSERT INTO provenance (content_id, destined_id, localpart, is_validated, is_reject, reason, trace)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (content_id, destined_id, one.localpart, one.is_validated, one.is_reject, one.reason, one.trace),
    )
    tx.db.executemany(
        "INSERT OR IGNORE INTO sender_sign (kind, value, received, content_id) VALUES (?, ?, ?, ?)",
        [(int(sign.kind), sign.value, now, content_id) for sign in dict.fromkeys(provenance.signs)],
    )


def told(db: sqlite3.Connection, content_id: int) -> Told | None:
    """Why a message is where it is; None when it did not come by SMTP."""
    row = db.execute("SELECT is_reject, reason, trace FROM provenance WHERE content_id = ?", (content_id,)).fetchone()
    return Told(bool(row[0]), row[1], row[2]) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A message that came by SMTP, and where it is now."""

    content_id: int
    told: Told
    destined: str  # the mailbox it was meant for; "" when that is gone
    mailbox_id: int
    mailbox: str
    uid: int
    flags: int
    received: int  # seconds since 1970
    list_fields: bytes


_CAME = """
SELECT p.content_id, p.is_reject, p.reason, p.trace, d.name, b.id, b.name, m.uid, m.flags, m.internaldate, c.list_fields
FROM provenance p JOIN content c ON c.id = p.content_id JOIN message m ON m.content_id = p.content_id
JOIN mailbox b ON b.id = m.mailbox_id LEFT JOIN mailbox d ON d.id = p.destined_id
"""


def newest_came(db: sqlite3.Connection, limit: int, *, only_rejects: bool = False) -> list[Came]:
    """What came last, the newest first; a message in several mailboxes is there once for each."""
    where = "WHERE p.is_reject" if only_rejects else ""
    return [_came(row) for row in db.execute(f"{_CAME} {where} ORDER BY p.content_id DESC LIMIT ?", (limit,))]


def find_came(db: sqlite3.Connection, content_id: int) -> Came | None:
    """One of them; the last place it was put in."""
    row = db.execute(f"{_CAME} WHERE p.content_id = ? ORDER BY m.createseq DESC LIMIT 1", (content_id,)).fetchone()
    return _came(row) if row else None


def _came(row: tuple[Any, ...]) -> Came:
    content_id, is_reject, reason, trace, destined, mailbox_id, mailbox, uid, flags, received, fields = row
    return Came(
        content_id=content_id,
        told=Told(bool(is_reject), reason, trace),
        destined=destined or "",
        mailbox_id=mailbox_id,
        mailbox=mailbox,
        uid=uid,
        flags=flags,
        received=received,
        list_fields=fields,
    )


def drop(db: sqlite3.Connection, content_id: int) -> None:
    """Forget a content that is being erased."""
    db.execute("DELETE FROM sender_sign WHERE content_id = ?", (content_id,))
    db.execute("DELETE FROM provenance WHERE content_id = ?", (content_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which earlier messages count: meant for this mailbox, with this sign, received since, and how many of them."""

    destined_id: int
    sign: Sign
    since: int
    limit: int


# A message that stands in several mailboxes counts once; one with both flags says nothing.
_FLAGGED = f"""
SELECT p.is_validated, p.localpart, max(m.flags & {JUNK}) > 0
FROM (SELECT content_id, received FROM sender_sign
      WHERE kind = ?1 AND value = ?2 AND received >= ?3 ORDER BY received DESC, content_id DESC LIMIT {MAX_LOOKED_AT}) s
JOIN provenance p ON p.content_id = s.content_id AND p.destined_id = ?4
JOIN message m ON m.content_id = s.content_id AND m.flags & {JUNK | NOTJUNK}
GROUP BY s.content_id HAVING (max(m.flags & {JUNK}) > 0) <> (max(m.flags & {NOTJUNK}) > 0)
ORDER BY s.received DESC, s.content_id DESC
"""


def _flagged(db: sqlite3.Connection, question: Question) -> Iterator[tuple[bool, str, bool]]:
    """Validated, localpart and junk of the messages, newest first."""
    sign = question.sign
    yield from db.execute(_FLAGGED, (int(sign.kind), sign.value, question.since, question.destined_id))


def tally(db: sqlite3.Connection, question: Question) -> Tally:
    """The newest flagged messages with the sign."""
    return _tally([row for row, _ in zip(_flagged(db, question), range(question.limit), strict=False)])


def tally_by_validation(db: sqlite3.Connection, question: Question) -> ByValidation:
    """The same, apart for messages whose From address was validated and for others; the limit holds for each."""
    rows = list(_flagged(db, question))
    return ByValidation(
        _tally([row for row in rows if row[0]][: question.limit]),
        _tally([row for row in rows if not row[0]][: question.limit]),
    )


def _tally(rows: list[tuple[bool, str, bool]]) -> Tally:
    if not rows:
        return Tally()
    junk = sum(1 for row in rows if row[2])
    return Tally(junk, len(rows) - junk, bool(rows[0][2]), len({row[1] for row in rows}))
