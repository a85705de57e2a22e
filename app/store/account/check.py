"""Is an account consistent? Every rule that must always hold, looked up in the database and the files.

Run by tests when they close an account and by `verifydata`. It reads one state of the database and looks at the files
beside. What seems wrong with files is looked at once more within a transaction, in which no delivery can come between,
so the account may be in use.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.store.account.bodies import has_size, path_of
from app.store.account.handle import Account
from app.store.account.junktraining import RULES as JUNK_RULES
from app.store.account.readonly import ReadOnlyAccount
from app.store.account.recounting import COUNTS

MAX_NAMED: Final = 3
BETWEEN_LOOKS_S: Final = 0.2  # in which a transaction that has put or taken a file is over

# Each query finds the rows that break a rule; the sentence tells which, with the row's first columns filled in.
_RULES = (
    (
        "SELECT m.name, m.uidnext, x.uid FROM mailbox m JOIN message x ON x.mailbox_id = m.id AND x.uid >= m.uidnext",
        "mailbox {0!r} has uidnext {1} and a message with uid {2}",
    ),
    (
        "SELECT m.name, m.uidnext, t.uid FROM mailbox m JOIN tombstone t ON t.mailbox_id = m.id AND t.uid >= m.uidnext",
        "mailbox {0!r} has uidnext {1} and had a message with uid {2}",
    ),
    (
        "SELECT m.name, m.uidvalidity FROM mailbox m, account_state s WHERE m.uidvalidity >= s.next_uidvalidity",
        "mailbox {0!r} has uidvalidity {1}, which is not below the account's next one",
    ),
    (
        "SELECT uidvalidity FROM (SELECT uidvalidity FROM mailbox UNION ALL SELECT uidvalidity FROM mailbox_tombstone)"
        " GROUP BY uidvalidity HAVING count(*) > 1",
        "uidvalidity {0} was given out twice",
    ),
    (
        "SELECT x.mailbox_id, x.uid, x.createseq, x.modseq FROM message x, account_state s"
        " WHERE x.createseq > x.modseq OR x.modseq > s.modseq",
        "message {0}/{1} has createseq {2} and modseq {3}",
    ),
    (
        "SELECT m.name, m.modseq, max(x.modseq) FROM mailbox m JOIN message x ON x.mailbox_id = m.id"
        " GROUP BY m.id HAVING max(x.modseq) > m.modseq",
        "mailbox {0!r} has modseq {1} and a message with {2}",
    ),
    (
        "SELECT name, forgotten_modseq, modseq FROM mailbox WHERE forgotten_modseq > modseq",
        "mailbox {0!r} forgot removals up to modseq {1}, above its own {2}",
    ),
    (
        "SELECT id, thread_id FROM content WHERE thread_id >= id",
        "content {0} is in the thread of a later one, {1}",
    ),
    (
        "SELECT t.mailbox_id, t.uid, t.modseq FROM tombstone t, account_state s WHERE t.modseq > s.modseq",
        "tombstone {0}/{1} has modseq {2}, above the account's",
    ),
    (
        "SELECT x.mailbox_id, x.uid FROM message x JOIN tombstone t USING (mailbox_id, uid)",
        "message {0}/{1} is there and expunged",
    ),
    (
        "SELECT x.mailbox_id, x.uid FROM message x LEFT JOIN mailbox m ON m.id = x.mailbox_id WHERE m.id IS NULL",
        "message {0}/{1} is in no mailbox",
    ),
    (
        "SELECT x.mailbox_id, x.uid, x.size_bytes, c.size_bytes FROM message x"
        " LEFT JOIN content c ON c.id = x.content_id WHERE c.id IS NULL OR c.size_bytes <> x.size_bytes",
        "message {0}/{1} has size {2}, its content {3}",
    ),
    (
        "SELECT c.id, c.size_bytes, b.size_bytes FROM content c LEFT JOIN body b ON b.id = c.body_id"
        " WHERE b.id IS NULL OR c.size_bytes <> length(c.prefix) + b.size_bytes",
        "content {0} has size {1}, its body {2}",
    ),
    (
        "SELECT c.id FROM content c WHERE NOT EXISTS (SELECT 1 FROM message WHERE content_id = c.id)"
        " AND NOT EXISTS (SELECT 1 FROM tombstone WHERE content_id = c.id)",
        "content {0} belongs to no message",
    ),
    (
        "SELECT special_use, count(*) FROM mailbox WHERE special_use IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
        "special use {0} belongs to {1} mailboxes",
    ),
    (
        "SELECT key, mailbox_id FROM annotation a WHERE mailbox_id <> 0"
        " AND NOT EXISTS (SELECT 1 FROM mailbox WHERE id = a.mailbox_id)",
        "annotation {0} belongs to mailbox {1}, which is gone",
    ),
    (
        "SELECT mailbox_id FROM url_key WHERE mailbox_id NOT IN (SELECT id FROM mailbox)",
        "mailbox {0} is gone, and the key of its URLs is still kept",
    ),
    (
        "SELECT identifier, mailbox_id FROM access WHERE mailbox_id NOT IN (SELECT id FROM mailbox) OR rights = ''",
        "{0} has rights on mailbox {1}, which is gone, or none",
    ),
    (
        "SELECT source_id FROM import_folder UNION SELECT source_id FROM import_message"
        " EXCEPT SELECT id FROM import_source",
        "places of imports are kept for server {0}, which is not known",
    ),
    (
        "SELECT a.key, a.createseq, a.modseq FROM annotation a, account_state s"
        " WHERE a.createseq > a.modseq OR a.modseq > s.modseq",
        "annotation {0} has createseq {1} and modseq {2}",
    ),
    (
        "SELECT id, size_bytes FROM body WHERE data IS NOT NULL AND length(data) <> size_bytes",
        "body {0} is said to have {1} bytes, and has not",
    ),
    (
        "SELECT content_id FROM (SELECT content_id FROM provenance UNION SELECT content_id FROM sender_sign)"
        " WHERE content_id NOT IN (SELECT id FROM content)",
        "content {0} is gone, and where it came from is still kept",
    ),
    (
        "SELECT b.id FROM body b WHERE NOT EXISTS (SELECT 1 FROM content WHERE body_id = b.id)",
        "body {0} belongs to no content",
    ),
)


def check(account: Account, *, hashes: bool = False) -> list[str]:
    """What is wrong, a sentence each; `hashes` also reads every body and compares its hash."""
    msg_dir = account.directory / "msg"
    found = account.read_now(lambda db: list(_check_database(db)))
    files = account.read_now(lambda db: list(_check_files(db, msg_dir)))
    if files:
        files = account.write_now(lambda tx: list(_check_files(tx.db, msg_dir)))
    found += files
    if hashes:
        found += account.read_now(lambda db: list(_check_hashes(db, msg_dir)))
    return found


def check_reading(account: ReadOnlyAccount, *, hashes: bool = False) -> list[str]:
    """The same, of an account that another process may change meanwhile: what is wrong at two looks."""
    msg_dir = account.directory / "msg"

    def look() -> list[str]:
        return account.read_now(lambda db: [*_check_database(db), *_check_files(db, msg_dir)])

    found = look()
    if found:
        time.sleep(BETWEEN_LOOKS_S)
        again = set(look())
        found = [text for text in found if text in again]
    if hashes:
        found += account.read_now(lambda db: list(_check_hashes(db, msg_dir)))
    return found


def extra_files(account: Account) -> list[Path]:
    """Files of messages that no body has."""
    msg_dir = account.directory / "msg"
    sql = "SELECT hash FROM body WHERE data IS NULL"
    expected = account.read_now(lambda db: {path_of(msg_dir, key) for (key,) in db.execute(sql)})
    return sorted(set(msg_dir.glob("*/*")) - expected)


def _check_database(db: sqlite3.Connection) -> Iterator[str]:
    for (text,) in db.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database: {text}"
    for query, sentence in (*_RULES, *JUNK_RULES):
        for row in db.execute(query):
            yield sentence.format(*row)
    yield from _check_counts(db)
    yield from _check_keywords(db)
    yield from _check_parents(db)


def _check_counts(db: sqlite3.Connection) -> Iterator[str]:
    names = ("total", "unseen", "deleted", "size_bytes", "deleted_bytes")
    size = 0
    for _, name, *numbers in db.execute(COUNTS):
        size += numbers[8]
        for label, stored, counted in zip(names, numbers[:5], numbers[5:], strict=True):
            if stored != counted:
                yield f"mailbox {name!r} says {label} {stored}, it is {counted}"
    (stored,) = db.execute("SELECT size_bytes FROM account_state").fetchone()
    if stored != size:
        yield f"account says size {stored}, it is {size}"


def _check_keywords(db: sqlite3.Connection) -> Iterator[str]:
    query = "SELECT DISTINCT m.name, m.keywords, x.keywords FROM message x JOIN mailbox m ON m.id = x.mailbox_id"
    for name, known, used in db.execute(query):
        if used != " ".join(sorted(set(used.split()))):
            yield f"mailbox {name!r} has a message with unsorted keywords {used!r}"
        if not set(known.split()).issuperset(used.split()):
            yield f"mailbox {name!r} does not list the keywords {used!r}"


def _check_parents(db: sqlite3.Connection) -> Iterator[str]:
    names = {name for (name,) in db.execute("SELECT name FROM mailbox")}
    for name in sorted(names):
        parent = name.rpartition("/")[0]
        if parent and parent not in names:
            yield f"mailbox {name!r} has no parent"


def _check_files(db: sqlite3.Connection, msg_dir: Path) -> Iterator[str]:
    expected: set[Path] = set()
    for body_id, key, size in db.execute("SELECT id, hash, size_bytes FROM body WHERE data IS NULL"):
        path = path_of(msg_dir, key)
        expected.add(path)
        if not has_size(path, size):
            yield f"body {body_id} ({_messages(db, body_id)}): file {path.name} is missing or has the wrong size"
    for path in sorted(set(msg_dir.glob("*/*")) - expected):
        yield f"file {path.relative_to(msg_dir)} belongs to no body"


def _check_hashes(db: sqlite3.Connection, msg_dir: Path) -> Iterator[str]:
    for body_id, key, data in db.execute("SELECT id, hash, data FROM body"):
        try:
            content = path_of(msg_dir, key).read_bytes() if data is None else data
        except FileNotFoundError:  # told above when it is a fault
            continue
        if hashlib.sha256(content).digest() != key:
            yield f"body {body_id} ({_messages(db, body_id)}) is damaged: its hash is wrong"


def _messages(db: sqlite3.Connection, body_id: int) -> str:
    """The messages that have a body, for people."""
    sql = """SELECT m.name, x.uid FROM content c JOIN message x ON x.content_id = c.id
        JOIN mailbox m ON m.id = x.mailbox_id WHERE c.body_id = ? ORDER BY m.name, x.uid LIMIT ?"""
    rows = [f"{name!r} uid {uid}" for name, uid in db.execute(sql, (body_id, MAX_NAMED + 1))]
    return ", ".join(rows[:MAX_NAMED]) + (" and more" if len(rows) > MAX_NAMED else "") or "of no message"
