"""The tables of an account's index.db, as numbered migrations.

A migration that has been released is never edited; a change is a new one at the end of `MIGRATIONS`.
"""

from __future__ import annotations

from app.store.account.junkcounts import TABLES
from app.store.sqlite import Migration

_FIRST = """
-- One row. modseq is the last one given out, for the whole account; the first given out is 2 (RFC 7162 wants > 0, and a
-- client may say 1 to mean "everything"). size_bytes counts the live messages, for the quota.
CREATE TABLE account_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    modseq INTEGER NOT NULL,
    next_uidvalidity INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    special_use TEXT,                   -- such as \\Sent
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,            -- of the last change to the mailbox or a message in it
    keywords TEXT NOT NULL,             -- every keyword ever used in it, separated by spaces
    total INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,           -- with the \\Deleted flag
    size_bytes INTEGER NOT NULL,
    deleted_bytes INTEGER NOT NULL
) STRICT;

-- A removed mailbox, for clients that ask what changed since a modseq.
CREATE TABLE mailbox_tombstone (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;

CREATE TABLE subscription (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- METADATA (RFC 5464); mailbox_id 0 is the account itself.
CREATE TABLE annotation (
    mailbox_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, key)
) STRICT, WITHOUT ROWID;

-- data is NULL when the bytes are in a file named after the hash.
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,          -- SHA-256
    size_bytes INTEGER NOT NULL,
    data BLOB
) STRICT;

CREATE TABLE content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body_id INTEGER NOT NULL REFERENCES body,
    size_bytes INTEGER NOT NULL,        -- prefix and body
    envelope BLOB NOT NULL,             -- ready for the wire
    bodystructure BLOB NOT NULL,
    list_fields BLOB NOT NULL,          -- the header fields that clients ask for in lists
    body_form BLOB NOT NULL,            -- BODY without extension data
    prefix BLOB NOT NULL,               -- header fields that delivery put in front
    parts BLOB NOT NULL,                -- the packed part tree; offsets count from the start of the body
    message_id TEXT,                    -- canonical: lower case, no angle brackets
    base_subject TEXT NOT NULL,
    sent INTEGER                        -- the Date field, seconds since 1970
) STRICT;
CREATE INDEX content_body ON content (body_id);

CREATE TABLE message (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    flags INTEGER NOT NULL,             -- bits of app.wire.imap.flags
    keywords TEXT NOT NULL,             -- sorted, separated by spaces
    size_bytes INTEGER NOT NULL,
    internaldate INTEGER NOT NULL,      -- seconds since 1970
    savedate INTEGER NOT NULL,
    content_id INTEGER NOT NULL REFERENCES content,
    origin_id INTEGER NOT NULL,         -- the mailbox it was first delivered to
    trained INTEGER NOT NULL,           -- what the junk filter learnt from it: 0 nothing, 1 junk, 2 not junk
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_content ON message (content_id);

-- content_id stays until no session can ask for the message any more.
CREATE TABLE tombstone (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    content_id INTEGER,
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_modseq ON tombstone (mailbox_id, modseq);
CREATE INDEX tombstone_content ON tombstone (content_id) WHERE content_id IS NOT NULL;

-- One row per mechanism, see credentials.py.
CREATE TABLE credential (
    kind TEXT PRIMARY KEY,
    data BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

_OBJECT_IDS = """
-- See objectids.py. thread_id is the content that began the thread, 0 for that one itself.
ALTER TABLE account_state ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE content ADD COLUMN thread_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX content_message_id ON content (message_id) WHERE message_id IS NOT NULL;

-- Tombstones up to this modseq were forgotten, see expunge.py.
ALTER TABLE mailbox ADD COLUMN forgotten_modseq INTEGER NOT NULL DEFAULT 0;
"""

_SEARCH = """
-- The word index, see searchindex.py. A segment is about the contents between its first and its last.
CREATE TABLE search_segment (
    last_content_id INTEGER PRIMARY KEY,
    first_content_id INTEGER NOT NULL,
    form TEXT NOT NULL,
    contents BLOB NOT NULL,             -- their numbers
    open BLOB NOT NULL                  -- of those that are not indexed
) STRICT;
CREATE TABLE search_words (
    last_content_id INTEGER NOT NULL,
    place INTEGER NOT NULL,             -- of searchindex.Place
    vocabulary BLOB NOT NULL,
    starts BLOB NOT NULL,
    ends BLOB NOT NULL,
    documents BLOB NOT NULL,
    PRIMARY KEY (last_content_id, place)
) STRICT;
"""

_PROVENANCE = """
-- Of contents that came by SMTP, see provenance.py.
CREATE TABLE provenance (
    content_id INTEGER PRIMARY KEY,
    destined_id INTEGER NOT NULL,       -- the mailbox it was meant for
    localpart TEXT NOT NULL,            -- of the From address
    is_validated INTEGER NOT NULL,      -- the From address
    is_reject INTEGER NOT NULL,
    reason TEXT NOT NULL,
    trace TEXT NOT NULL
) STRICT;
CREATE TABLE sender_sign (
    kind INTEGER NOT NULL,              -- of provenance.Kind
    value TEXT NOT NULL,
    received INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    PRIMARY KEY (kind, value, received, content_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sender_sign_content ON sender_sign (content_id);
"""

_PREFERENCES = """
-- See preferences.py. What is here is chosen.
CREATE TABLE preference (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE pass_key (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL) STRICT;
"""

_JUNK = (
    TABLES
    + """
-- What the junk filter learnt and has to learn, see junktraining.py; message.trained is not used.
-- 192 is $Junk and $NotJunk.
CREATE TABLE junk_trained (
    content_id INTEGER PRIMARY KEY,
    is_junk INTEGER NOT NULL,
    step INTEGER NOT NULL,
    numbers BLOB NOT NULL               -- of the features, 4 bytes each
) STRICT;
CREATE TABLE junk_due (content_id INTEGER PRIMARY KEY) STRICT;
INSERT INTO junk_due SELECT DISTINCT content_id FROM message WHERE flags & 192;
CREATE TRIGGER junk_added AFTER INSERT ON message WHEN new.flags & 192
    BEGIN INSERT OR IGNORE INTO junk_due VALUES (new.content_id); END;
CREATE TRIGGER junk_removed AFTER DELETE ON message WHEN old.flags & 192
    BEGIN INSERT OR IGNORE INTO junk_due VALUES (old.content_id); END;
"""
)

_URL_KEYS = """
-- See urlkeys.py.
CREATE TABLE url_key (mailbox_id INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
"""

_VACATION = """
-- See vacation.py. Times are seconds since 1970.
CREATE TABLE vacation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    is_on INTEGER NOT NULL,
    subject TEXT NOT NULL,              -- "" for the usual one
    text TEXT NOT NULL,
    begins INTEGER,                     -- NULL: at once
    ends INTEGER                        -- the first second after it; NULL: when it is turned off
) STRICT;
CREATE TABLE vacation_told (sender TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX vacation_told_at ON vacation_told (at);
"""

_FORWARDS = """
-- See forwards.py. Times are seconds since 1970.
CREATE TABLE forward (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,          -- key of Destinations in domains.conf
    address TEXT NOT NULL,
    is_confirmed INTEGER NOT NULL DEFAULT 0,
    code BLOB NOT NULL,                 -- its SHA-256
    code_sent INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    failure TEXT NOT NULL DEFAULT '',
    UNIQUE (destination, address)
) STRICT;
CREATE TABLE forward_only (destination TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE forward_code (at INTEGER NOT NULL) STRICT;
"""

_ACCESS = """
-- See grants.py. rights are letters, one at least.
CREATE TABLE access (
    mailbox_id INTEGER NOT NULL,
    identifier TEXT NOT NULL,           -- another account, or anyone
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_identifier ON access (identifier);
"""

_IMPORTS = """
-- See imports.py. Times are seconds since 1970.
CREATE TABLE import_source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    user TEXT NOT NULL,
    port INTEGER NOT NULL,
    security TEXT NOT NULL,
    is_verified INTEGER NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER,
    taken INTEGER NOT NULL DEFAULT 0,
    words TEXT NOT NULL DEFAULT '',
    UNIQUE (host, user)
) STRICT;
CREATE TABLE import_folder (
    source_id INTEGER NOT NULL,
    folder BLOB NOT NULL,               -- its name as the other server writes it
    uidvalidity INTEGER NOT NULL,
    last_uid INTEGER NOT NULL,
    PRIMARY KEY (source_id, folder)
) STRICT, WITHOUT ROWID;
CREATE TABLE import_message (
    source_id INTEGER NOT NULL,
    number INTEGER NOT NULL,            -- that Gmail has for it
    PRIMARY KEY (source_id, number)
) STRICT, WITHOUT ROWID;
"""

_ARCHIVES = """
-- See archives.py. Times are seconds since 1970.
CREATE TABLE archive_import (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    into_mailbox TEXT NOT NULL,
    strip TEXT NOT NULL,
    skips_present INTEGER NOT NULL,
    mark INTEGER NOT NULL,              -- number of the newest content when it began
    began INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL DEFAULT '',
    passed INTEGER NOT NULL DEFAULT 0,  -- messages of the archive, whatever became of them
    taken INTEGER NOT NULL DEFAULT 0,
    present INTEGER NOT NULL DEFAULT 0,
    problem_count INTEGER NOT NULL DEFAULT 0,
    problems TEXT NOT NULL DEFAULT '',  -- one on each line
    words TEXT NOT NULL DEFAULT ''
) STRICT;
"""

_COMPARISONS = """
ALTER TABLE import_folder ADD COLUMN compared_to INTEGER NOT NULL DEFAULT 0;
"""

_REFUSED = """
ALTER TABLE import_folder ADD COLUMN refused TEXT NOT NULL DEFAULT '';  -- uids, with spaces between
"""

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    _OBJECT_IDS,
    _SEARCH,
    _PROVENANCE,
    _PREFERENCES,
    _JUNK,
    _URL_KEYS,
    _VACATION,
    _FORWARDS,
    _ACCESS,
    _IMPORTS,
    _ARCHIVES,
    _COMPARISONS,
    _REFUSED,
)
