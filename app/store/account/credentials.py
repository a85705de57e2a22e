"""The password of an account, in the forms that the sign-in mechanisms need; never the password itself.

    argon2id        an encoded hash with the low-memory parameters of RFC 9106 §4, for PLAIN and LOGIN
    scram-sha-256   salt, iterations, StoredKey and ServerKey (RFC 5802 §3)
    scram-sha-1     the same
    cram-md5        the two MD5 states of HMAC-MD5 after the key; this form is quick to guess from when a disk is stolen

`set_password` prepares a password (RFC 8265 OpaqueString), refuses short ones, and replaces all forms in one
transaction. Making them takes a quarter of a second: callers that care about the account's writer call `derive` in a
thread first and `replace` in the transaction. Raises BadPassword with words for the person. SQL for the table
credential is only here.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import MailError, WireError
from app.store.account.handle import Tx
from app.wire.sasl.cram import cram_secret
from app.wire.sasl.preparation import opaque_string
from app.wire.sasl.scrammessage import scram_secret
from app.wire.sasl.steps import CramSecret, ScramSecret

MIN_BYTES = 8
MAX_BYTES = 1024
SALT_BYTES = 16


class BadPassword(MailError):
    """The password cannot be used; the text is for the person who chose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How much work a guess costs; the defaults are for storing, tests use less."""

    time_cost: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4
    scram_sha256_iterations: int = 10_000
    scram_sha1_iterations: int = 8192


STRONG = Parameters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """All forms of one password."""

    argon2id: str = field(repr=False)
    scram: Mapping[str, ScramSecret] = field(repr=False)  # by hashlib's name of the hash
    cram_md5: CramSecret | None = field(repr=False)


def prepare(password: str) -> str:
    """The form of a new password that is hashed; raises BadPassword."""
    try:
        prepared = opaque_string(password)
    except WireError as error:
        raise BadPassword(f"this password cannot be used: {error.message}") from None
    size = len(prepared.encode())
    if size < MIN_BYTES:
        raise BadPassword(f"the password is too short, use at least {MIN_BYTES} characters")
    if size > MAX_BYTES:
        raise BadPassword(f"the password is too long, use at most {MAX_BYTES} bytes")
    return prepared


def derive(password: str, parameters: Parameters = STRONG) -> Credentials:
    """All forms of a new password; slow. Raises BadPassword."""
    prepared = prepare(password)
    counts = {"sha256": parameters.scram_sha256_iterations, "sha1": parameters.scram_sha1_iterations}
    return Credentials(
        argon2id=hash_password(prepared, parameters),
        scram={name: scram_secret(name, prepared, os.urandom(SALT_BYTES), count) for name, count in counts.items()},
        cram_md5=cram_secret(prepared),
    )


def replace(tx: Tx, credentials: Credentials) -> None:
    """Store the forms of a new password instead of the old ones."""
    rows = {"argon2id": credentials.argon2id.encode()}
    for name, secret in credentials.scram.items():
        rows[f"scram-{_dashed(name)}"] = _write_scram(secret)
    if credentials.cram_md5 is not None:
        rows["cram-md5"] = credentials.cram_md5.inner + credentials.cram_md5.outer
    now = tx.now()
    tx.db.execute("DELETE FROM credential WHERE kind IN ('argon2id', 'scram-sha-256', 'scram-sha-1', 'cram-md5')")
    tx.db.executemany(
        "INSERT INTO credential (kind, data, created) VALUES (?, ?, ?)",
        [(kind, data, now) for kind, data in rows.items()],
    )


def set_password(tx: Tx, password: str, parameters: Parameters = STRONG) -> None:
    """Give the account a new password; raises BadPassword."""
    replace(tx, derive(password, parameters))


def load(db: sqlite3.Connection) -> Credentials | None:
    """The forms of the account's password; None when it has none."""
    rows: dict[str, bytes] = dict(db.execute("SELECT kind, data FROM credential"))
    if "argon2id" not in rows:
        return None
    states = rows.get("cram-md5", b"")
    return Credentials(
        argon2id=rows["argon2id"].decode(),
        scram={
            name: _read_scram(rows[f"scram-{_dashed(name)}"])
            for name in ("sha256", "sha1")
            if f"scram-{_dashed(name)}" in rows
        },
        cram_md5=CramSecret(states[:16], states[16:]) if len(states) == 32 else None,
    )


def hash_password(prepared: str, parameters: Parameters = STRONG) -> str:
    """An encoded argon2id hash; slow."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(parameters.time_cost, parameters.memory_kib, parameters.lanes)
    return hasher.hash(prepared)


def unmatched_hash(parameters: Parameters = STRONG) -> str:
    """An encoded hash that no password has, and that takes as long to check as a real one."""
    salt, digest = (base64.b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (16, 32))
    costs = f"m={parameters.memory_kib},t={parameters.time_cost},p={parameters.lanes}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def verify_password(encoded: str, password: str) -> bool:
    """Whether a password that somebody typed is that of the hash; slow, and never raises."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(encoded, opaque_string(password))
    except (WireError, VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _dashed(hash_name: str) -> str:
    return hash_name.replace("sha", "sha-")


def _write_scram(secret: ScramSecret) -> bytes:
    texts = (base64.b64encode(value) for value in (secret.salt, secret.stored_key, secret.server_key))
    return b" ".join((str(secret.iterations).encode(), *texts))


def _read_scram(data: bytes) -> ScramSecret:
    count, *texts = data.split(b" ")
    salt, stored_key, server_key = map(base64.b64decode, texts)
    return ScramSecret(salt, int(count), stored_key, server_key)
