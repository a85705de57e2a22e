"""Tables of `queue/index.db`.

`message` is what was submitted, `recipient` one row for each of its recipients, `body` its bytes unless they are a
file, `attempt` what became of each attempt. `retired` rows keep the number of the recipient they were, and their
attempts. Numbers are never used twice, as operators write them down. `hold_rule`, `suppression`, `retired`, and
`submitted` with `correspondent`, and `milestone`, have owners of their own.
"""

from __future__ import annotations

MIGRATIONS = (
    """
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender_account TEXT NOT NULL,
    queued REAL NOT NULL,
    prefix BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    has_8bit INTEGER NOT NULL,
    smtputf8 INTEGER NOT NULL,
    is_dsn INTEGER NOT NULL,
    report INTEGER NOT NULL,
    ret TEXT NOT NULL,
    envid TEXT NOT NULL,
    future_release TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE TABLE body (
    message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
    data BLOB
);
CREATE TABLE recipient (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    base_id INTEGER NOT NULL REFERENCES message,
    reverse_path TEXT NOT NULL,
    recipient TEXT NOT NULL,
    domain TEXT NOT NULL,
    from_id TEXT NOT NULL,
    hold INTEGER NOT NULL,
    fail_now INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempting INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    next_attempt REAL NOT NULL,
    last_attempt REAL NOT NULL DEFAULT 0,
    require_tls INTEGER,
    transport TEXT NOT NULL,
    notify TEXT NOT NULL,
    orcpt TEXT NOT NULL
);
CREATE INDEX recipient_base ON recipient (base_id);
CREATE INDEX recipient_due ON recipient (hold, next_attempt, domain);
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    recipient INTEGER NOT NULL,
    started REAL NOT NULL,
    duration_s REAL NOT NULL,
    success INTEGER NOT NULL,
    code INTEGER NOT NULL,
    enhanced TEXT NOT NULL,
    error TEXT NOT NULL,
    host TEXT NOT NULL,
    ip TEXT NOT NULL
);
CREATE INDEX attempt_recipient ON attempt (recipient);
CREATE TABLE retired (
    id INTEGER PRIMARY KEY,
    base_id INTEGER NOT NULL,
    sender_account TEXT NOT NULL,
    reverse_path TEXT NOT NULL,
    recipient TEXT NOT NULL,
    domain TEXT NOT NULL,
    from_id TEXT NOT NULL,
    queued REAL NOT NULL,
    attempts INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    transport TEXT NOT NULL,
    require_tls INTEGER,
    extra TEXT NOT NULL,
    success INTEGER NOT NULL,
    last_activity REAL NOT NULL,
    keep_until REAL NOT NULL
);
CREATE INDEX retired_keep ON retired (keep_until);
CREATE INDEX retired_from_id ON retired (from_id) WHERE from_id <> '';
CREATE INDEX retired_recipient ON retired (sender_account, recipient, last_activity);
CREATE TABLE hold_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    recipient_domain TEXT NOT NULL
);
CREATE TABLE suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    base_address TEXT NOT NULL,
    original_address TEXT NOT NULL,
    manual INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created REAL NOT NULL,
    UNIQUE (account, base_address)
);
CREATE TABLE submitted (
    account TEXT NOT NULL,
    minute INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    PRIMARY KEY (account, minute)
) WITHOUT ROWID;
CREATE TABLE correspondent (
    account TEXT NOT NULL,
    recipient TEXT NOT NULL,
    last REAL NOT NULL,
    PRIMARY KEY (account, recipient)
) WITHOUT ROWID
""",
    """
CREATE TABLE milestone (
    name TEXT PRIMARY KEY,
    time REAL NOT NULL
) WITHOUT ROWID
""",
    "ALTER TABLE message ADD COLUMN keep_result_s REAL NOT NULL DEFAULT 0",
    "CREATE INDEX correspondent_domain ON correspondent (account, substr(recipient, instr(recipient, '@') + 1))",
    "ALTER TABLE attempt ADD COLUMN dialogue BLOB",
    "ALTER TABLE attempt ADD COLUMN security TEXT NOT NULL DEFAULT ''",
    """
ALTER TABLE message ADD COLUMN forwarded_for TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN has_copy INTEGER NOT NULL DEFAULT 0
""",
)
