"""The tables of server.db, as numbered migrations.

A migration that has been released is never edited; a change is a new one at the end of `MIGRATIONS`.
"""

from __future__ import annotations

from app.store.sqlite import Migration

_FIRST = """
CREATE TABLE web_session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,    -- SHA-256 of the token, which only the browser has
    kind TEXT NOT NULL,                 -- admin or account
    account TEXT NOT NULL,              -- empty for the administrator
    login_address TEXT NOT NULL,
    csrf TEXT NOT NULL,
    seal BLOB NOT NULL,                 -- digest of the administrator's password file at sign-in, else empty
    created REAL NOT NULL,              -- seconds since 1970, like all times here
    last_used REAL NOT NULL,
    remote TEXT NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX web_session_whose ON web_session (kind, account, last_used);

-- Equal attempts are one row with a count.
CREATE TABLE login_attempt (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,           -- SHA-256 of what makes attempts equal
    account TEXT NOT NULL,              -- "-" when unknown, "(admin)" for the administrator
    is_failed INTEGER NOT NULL,
    first REAL NOT NULL,
    last REAL NOT NULL,
    count INTEGER NOT NULL,
    login_address TEXT NOT NULL,
    remote TEXT NOT NULL,
    local TEXT NOT NULL,
    tls TEXT NOT NULL,
    protocol TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    mechanism TEXT NOT NULL,
    result TEXT NOT NULL
) STRICT;
CREATE INDEX login_attempt_last ON login_attempt (last);
CREATE INDEX login_attempt_account ON login_attempt (account, last);
CREATE INDEX login_attempt_failed ON login_attempt (account, last) WHERE is_failed = 1;
"""

_CLIENT_KEYS = """
CREATE TABLE client_key (
    fingerprint TEXT NOT NULL PRIMARY KEY,   -- SHA-256 of the SubjectPublicKeyInfo, base64 for URLs
    created REAL NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    no_imap_preauth INTEGER NOT NULL,
    account TEXT NOT NULL,
    login_address TEXT NOT NULL,
    certificate BLOB NOT NULL                -- DER
) STRICT;
CREATE INDEX client_key_account ON client_key (account);

ALTER TABLE login_attempt ADD COLUMN client_key TEXT NOT NULL DEFAULT '';   -- the fingerprint of the key that was used
"""

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _CLIENT_KEYS)
