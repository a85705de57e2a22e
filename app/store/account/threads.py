"""Messages in threads as THREAD asks for them (RFC 5256 §3).

The rows of a mailbox become what `wire/message/threading.py` works on: base subject, date and Message-ID are columns,
the references come from the ready header fields. This is not the THREADID of a message (`objectids.py`), which never
changes: these threads are made anew from the messages that match. Runs on a reader.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from app.store.account.reader import read_message
from app.store.account.search import Match
from app.wire.imap.parse.sort import ThreadAlgorithm
from app.wire.message.header import find_field
from app.wire.message.references import parse_references
from app.wire.message.subject import parse_subject
from app.wire.message.threading import Node, Threadable, by_references, ordered_subject

_BLANKS = re.compile(r"\s+")
_QUERY = (
    "SELECT m.uid, c.id, COALESCE(c.sent, m.internaldate), c.base_subject, c.message_id, {fields}"
    " FROM message m JOIN content c ON c.id = m.content_id WHERE m.mailbox_id = ? ORDER BY m.uid"
)


def read_threads(
    db: sqlite3.Connection, msg_dir: Path, mailbox_id: int, matches: list[Match], algorithm: ThreadAlgorithm
) -> list[Node]:
    """The threads of the matching messages, whose numbers are uids."""
    uids = {match.uid for match in matches}
    has_references = algorithm is ThreadAlgorithm.REFERENCES
    rows = db.execute(_QUERY.format(fields="c.list_fields" if has_references else "NULL"), (mailbox_id,))
    messages: list[Threadable] = []
    for uid, content_id, date, subject, message_id, fields in rows:
        if uid not in uids:
            continue
        if not has_references:
            messages.append(Threadable(number=uid, date=date, subject=subject))
            continue
        header = fields or _header(db, msg_dir, content_id)
        messages.append(
            Threadable(
                number=uid,
                date=date,
                subject=subject,
                message_id=message_id,
                references=_references(header),
                is_reply=_is_reply(header, subject),
            )
        )
    return by_references(messages) if has_references else ordered_subject(messages)


def _header(db: sqlite3.Connection, msg_dir: Path, content_id: int) -> bytes:
    """The header section where the ready fields were too long to keep."""
    message = read_message(db, msg_dir, content_id)
    return message.header() if message else b""


def _references(header: bytes) -> list[str]:
    """What References names; without it the first that In-Reply-To names (RFC 5256 §3)."""
    value = find_field(header, "References")
    if value and (names := parse_references(value)):
        return names
    value = find_field(header, "In-Reply-To")
    return parse_references(value)[:1] if value else []


def _is_reply(header: bytes, base: str) -> bool:
    """Whether the subject is one of a reply or forward; most are told by being their own base subject."""
    value = find_field(header, "Subject") or ""
    return _BLANKS.sub(" ", value).strip().lower() != base and parse_subject(value).is_reply
