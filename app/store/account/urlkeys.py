"""The keys behind URLs that others may use: one for each mailbox that such a URL was made for (RFC 4467 §2.3).

A token is an HMAC over the URL with the key of its mailbox, behind two digits for the way it is made. A new key makes
every token of the mailbox worthless, and so does the end of the mailbox; a mailbox that is renamed keeps its key. Keys
are made when first needed and never leave the database. SQL for the table url_key is only here.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from typing import Final

from app.store.account.handle import Tx

KEY_BYTES: Final = 32
_WAY: Final = "01"  # HMAC-SHA-256
_NO_KEY: Final = os.urandom(KEY_BYTES)  # nobody knows it, so a mailbox without a key costs the same work


def key_of(db: sqlite3.Connection, mailbox_id: int) -> bytes | None:
    """The key of a mailbox, if it has one."""
    row = db.execute("SELECT key FROM url_key WHERE mailbox_id = ?", (mailbox_id,)).fetchone()
    return row[0] if row else None


def ensure_key(tx: Tx, mailbox_id: int) -> bytes:
    """The key of a mailbox, made when there is none."""
    key = key_of(tx.db, mailbox_id)
    if key is None:
        key = os.urandom(KEY_BYTES)
        tx.db.execute("INSERT INTO url_key (mailbox_id, key) VALUES (?, ?)", (mailbox_id, key))
    return key


def reset_key(tx: Tx, mailbox_id: int) -> None:
    """Give a mailbox a new key."""
    drop_key(tx, mailbox_id)
    ensure_key(tx, mailbox_id)


def drop_key(tx: Tx, mailbox_id: int) -> None:
    """Remove the key of a mailbox."""
    tx.db.execute("DELETE FROM url_key WHERE mailbox_id = ?", (mailbox_id,))


def drop_all_keys(tx: Tx) -> None:
    """Remove every key of the account."""
    tx.db.execute("DELETE FROM url_key")


def make_token(key: bytes, url: str) -> str:
    """The token of a URL, in hexadecimal digits."""
    return _WAY + hmac.digest(key, url.encode(), "sha256").hex()


def is_token(key: bytes | None, url: str, token: str) -> bool:
    """Whether the token was made for this URL; takes as long when there is no key."""
    is_right = hmac.compare_digest(make_token(key or _NO_KEY, url), token)
    return is_right and key is not None
