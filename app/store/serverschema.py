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

_REPORTS = """
-- Summaries by DMARC that others sent us. Times are seconds since 1970, of begin and end by their word.
CREATE TABLE dmarc_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,           -- SHA-256 of what makes reports the same
    received REAL NOT NULL,
    reporter TEXT NOT NULL,             -- verified domain of the sender; empty for ourselves
    organisation TEXT NOT NULL,
    contact TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,               -- of the policy, ours
    begin INTEGER NOT NULL,
    end INTEGER NOT NULL,
    policy TEXT NOT NULL,
    subdomain_policy TEXT NOT NULL,
    dkim_alignment TEXT NOT NULL,
    spf_alignment TEXT NOT NULL,
    percentage INTEGER,
    errors TEXT NOT NULL,
    messages INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    size INTEGER NOT NULL               -- rows
) STRICT;
CREATE INDEX dmarc_report_end ON dmarc_report (end);
CREATE TABLE dmarc_row (
    id INTEGER PRIMARY KEY,
    report INTEGER NOT NULL REFERENCES dmarc_report (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    network TEXT NOT NULL,
    sender TEXT NOT NULL,               -- the organisation that sent, as far as is known
    count INTEGER NOT NULL,
    disposition TEXT NOT NULL,
    dkim INTEGER NOT NULL,
    spf INTEGER NOT NULL,
    header_from TEXT NOT NULL,
    envelope_from TEXT NOT NULL,
    envelope_to TEXT NOT NULL,
    reasons TEXT NOT NULL,
    dkim_results TEXT NOT NULL,
    spf_results TEXT NOT NULL
) STRICT;
CREATE INDEX dmarc_row_report ON dmarc_row (report);

-- TLS reports.
CREATE TABLE tls_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    received REAL NOT NULL,
    reporter TEXT NOT NULL,
    organisation TEXT NOT NULL,
    contact TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,               -- of all policies, with spaces
    begin INTEGER NOT NULL,
    end INTEGER NOT NULL,
    successful INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    size INTEGER NOT NULL               -- policies and failures
) STRICT;
CREATE INDEX tls_report_end ON tls_report (end);
CREATE TABLE tls_policy (
    id INTEGER PRIMARY KEY,
    report INTEGER NOT NULL REFERENCES tls_report (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    lines TEXT NOT NULL,
    hosts TEXT NOT NULL,
    successful INTEGER NOT NULL,
    failed INTEGER NOT NULL
) STRICT;
CREATE INDEX tls_policy_report ON tls_policy (report);
CREATE TABLE tls_failure (
    id INTEGER PRIMARY KEY,
    policy INTEGER NOT NULL REFERENCES tls_policy (id) ON DELETE CASCADE,
    result TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    sending_ip TEXT NOT NULL,
    receiving_host TEXT NOT NULL,
    receiving_ip TEXT NOT NULL,
    information TEXT NOT NULL,
    code TEXT NOT NULL
) STRICT;
CREATE INDEX tls_failure_policy ON tls_failure (policy);
"""

_EVALUATIONS = """
-- What DMARC said of mail from elsewhere, for the reports that we send.
CREATE TABLE dmarc_evaluation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,           -- SHA-256 of all but count and last
    domain TEXT NOT NULL,               -- with the DMARC record
    hour INTEGER NOT NULL,              -- its first second
    interval_h INTEGER NOT NULL,        -- between reports
    is_optional INTEGER NOT NULL,
    has_passed INTEGER NOT NULL,
    is_refused INTEGER NOT NULL,        -- or put aside
    policy TEXT NOT NULL,               -- JSON
    row TEXT NOT NULL,                  -- JSON
    count INTEGER NOT NULL,
    last REAL NOT NULL
) STRICT;
CREATE INDEX dmarc_evaluation_domain ON dmarc_evaluation (domain, hour);

-- Addresses that get no reports of ours.
CREATE TABLE report_suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                 -- dmarc or tls
    address TEXT NOT NULL,              -- localpart as written, domain in ASCII and lower case
    created REAL NOT NULL,
    until REAL NOT NULL,
    comment TEXT NOT NULL,
    UNIQUE (kind, address)
) STRICT;
"""

_TLS_RESULTS = """
-- How connections to other servers fared with TLS, for the reports that we send.
CREATE TABLE tls_result (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,           -- SHA-256 of all but count and last
    domain TEXT NOT NULL,               -- of the recipient, or the host with the policy
    day INTEGER NOT NULL,               -- its first second
    is_host INTEGER NOT NULL,
    is_optional INTEGER NOT NULL,
    policy TEXT NOT NULL,               -- JSON
    failure TEXT NOT NULL,              -- JSON; empty for a success
    count INTEGER NOT NULL,
    last REAL NOT NULL
) STRICT;
CREATE INDEX tls_result_domain ON tls_result (domain, day);
"""

_POLICIES = """
-- MTA-STS policies of other domains.
CREATE TABLE mtasts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    record_id TEXT NOT NULL,
    policy BLOB NOT NULL,               -- the text as it was fetched
    fetched REAL NOT NULL,
    valid_until REAL NOT NULL,
    last_used REAL NOT NULL,
    retry_after REAL NOT NULL,
    error TEXT NOT NULL                 -- of the last fetch
) STRICT;
"""

_RETURNS = """
-- See returnpaths.py.
CREATE TABLE return_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT;
CREATE TABLE returned_sender (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,
    last_used REAL NOT NULL
) STRICT;
CREATE INDEX returned_sender_used ON returned_sender (last_used);
"""

_ROTATIONS = """
-- DKIM keys that are being replaced; see dkimrotations.py.
CREATE TABLE dkim_rotation (
    domain TEXT NOT NULL PRIMARY KEY,
    new TEXT NOT NULL,                  -- JSON, selectors
    old TEXT NOT NULL,                  -- JSON
    started REAL NOT NULL,
    seen REAL NOT NULL,
    switched REAL NOT NULL,
    is_automatic INTEGER NOT NULL
) STRICT;
"""

_CERTIFICATES = """
-- Failures to get a certificate; see certificateattempts.py.
CREATE TABLE certificate_attempt (
    authority TEXT NOT NULL,            -- its name in ACME of mox.conf
    name TEXT NOT NULL,
    count INTEGER NOT NULL,             -- in a row
    last REAL NOT NULL,
    next REAL NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (authority, name)
) STRICT, WITHOUT ROWID;
"""

_RUNS = """
-- See runs.py and looks.py.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started REAL NOT NULL,
    ended REAL,                         -- NULL when it did not end in an orderly way
    version TEXT NOT NULL
) STRICT;
CREATE TABLE look (
    subject TEXT NOT NULL,
    thing TEXT NOT NULL,
    grade TEXT NOT NULL,                -- fine, unknown, look, act
    text TEXT NOT NULL,
    looked REAL NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (subject, thing)
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    _CLIENT_KEYS,
    _REPORTS,
    _EVALUATIONS,
    _TLS_RESULTS,
    _POLICIES,
    _RETURNS,
    _ROTATIONS,
    _CERTIFICATES,
    _RUNS,
)
