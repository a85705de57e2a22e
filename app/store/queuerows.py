"""Rows of the queue's tables as records, and what an operator asks for as SQL.

Used by the modules that own the tables of `queue/index.db`. A filter is a conjunction: all that is given must hold,
and an address or domain is compared whole, never as a substring.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from app.store.queuerecords import Attempt, Queued, QueueFilter, Report
from app.wire.smtp.address import NULL_PATH, ReversePath, parse_path_address

COLUMNS = """r.id, r.base_id, m.sender_account, r.reverse_path, r.recipient, r.from_id, m.queued, r.hold, r.fail_now,
    r.attempts, r.max_attempts, r.next_attempt, r.last_attempt, m.size_bytes, m.message_id, m.subject, m.has_8bit,
    m.smtputf8, m.is_dsn, m.report, r.require_tls, r.transport, r.notify, r.orcpt, m.ret, m.envid, m.future_release,
    m.extra, m.keep_result_s, m.forwarded_for, m.has_copy"""
FROM = "FROM recipient r JOIN message m ON m.id = r.base_id"
ATTEMPT_COLUMNS = "started, duration_s, success, code, enhanced, error, host, ip, id, dialogue IS NOT NULL, security"
_FIELDS = tuple(Queued.__dataclass_fields__)


def condition(which: QueueFilter) -> tuple[str, list[object]]:
    """The condition in SQL and its values; every condition given must hold."""
    simple: list[tuple[str, object]] = [
        ("m.sender_account = ?", which.account or None),
        ("r.hold = ?", which.hold),
        ("r.transport = ?", which.transport),
        ("m.queued < ?", which.queued_before),
        ("m.queued > ?", which.queued_after),
        ("r.next_attempt < ?", which.next_before),
        ("r.next_attempt > ?", which.next_after),
    ]
    simple += [address_condition("r.reverse_path", which.sender), address_condition("r.recipient", which.recipient)]
    conditions = [sql for sql, value in simple if value is not None]
    values = [value for _, value in simple if value is not None]
    if which.ids:
        conditions.append(f"r.id IN ({','.join('?' * len(which.ids))})")
        values += which.ids
    return " AND ".join(conditions) or "1", values


def address_condition(column: str, text: str) -> tuple[str, str | None]:
    """A whole address is compared whole, "@domain" with exactly what follows the last @."""
    if text.startswith("@"):
        return f"lower(substr({column}, -{len(text)})) = ?", text.lower()
    return f"{column} = ?", text or None


def queued(row: Sequence[object]) -> Queued:
    """The record of a row of COLUMNS."""
    values = list(row)
    values[3] = _reverse_path(str(row[3]))
    values[4] = parse_path_address(str(row[4]))
    for flag in (7, 8, 16, 17, 18, 30):
        values[flag] = bool(row[flag])
    values[19] = Report(row[19])
    values[20] = None if row[20] is None else bool(row[20])
    values[27] = json.loads(str(row[27])) if row[27] else {}
    return Queued(**dict(zip(_FIELDS, values, strict=True)))  # type: ignore[arg-type]


def _reverse_path(text: str) -> ReversePath:
    return parse_path_address(text) if text else NULL_PATH


def attempt(row: Sequence[object]) -> Attempt:
    """The record of a row of ATTEMPT_COLUMNS."""
    fields = dict(zip(Attempt.__dataclass_fields__, row, strict=True))
    flags = {name: bool(fields[name]) for name in ("success", "has_dialogue")}
    return Attempt(**{**fields, **flags})  # type: ignore[arg-type]
