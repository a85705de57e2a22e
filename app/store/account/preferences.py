"""What the holder of an account chooses and no configuration file has a word for; and keys, made when needed."""

from __future__ import annotations

import secrets
import sqlite3
from enum import Enum

from app.store.account.handle import Tx

KEY_BYTES = 32


class Preference(Enum):
    """A choice; the words stand in the database."""

    QUARANTINE_TO_JUNK = "quarantine-to-junk"  # DMARC's quarantine goes to the junk mailbox, and is not refused


def is_on(db: sqlite3.Connection, preference: Preference) -> bool:
    """Whether it is chosen."""
    return db.execute("SELECT 1 FROM preference WHERE name = ?", (preference.value,)).fetchone() is not None


def choose(tx: Tx, preference: Preference, *, on: bool) -> None:
    """Turn it on or off."""
    sql = "INSERT OR IGNORE INTO preference (name) VALUES (?)" if on else "DELETE FROM preference WHERE name = ?"
    tx.db.execute(sql, (preference.value,))


def find_pass_key(db: sqlite3.Connection) -> bytes | None:
    """The secret of the account's tokens for subjects; None when it never gave one."""
    row = db.execute("SELECT key FROM pass_key").fetchone()
    return bytes(row[0]) if row else None


def pass_key(tx: Tx) -> bytes:
    """The same, made when absent."""
    key = find_pass_key(tx.db)
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        tx.db.execute("INSERT INTO pass_key (id, key) VALUES (1, ?)", (key,))
    return key
