"""Client keys: with which keys of TLS client certificates somebody may sign in, and as whom.

    facts = read_certificate(der)                  # raises Refusal with a sentence
    await keys.add(ClientKey(fingerprint=facts.fingerprint, ...))
    key = await keys.find(facts.fingerprint)       # None: not registered

A key is known by its fingerprint: the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in base64 for URLs, as
the Go server has it. Names, issuer and dates of a certificate do not count. The certificate is kept to be looked at.
SQL for the table client_key is only here.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields

from app.errors import Refusal
from app.store.sqlite import Database
from app.store.strangers import printable

MAX_KEYS = 100  # of one account
MIN_RSA_BITS = 2048
MAX_CERTIFICATE_BYTES = 16 << 10
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a certificate says of its key."""

    fingerprint: str
    kind: str  # such as "ed25519", "ecdsa-secp256r1" or "rsa-2048"
    name: str  # the common name, which may be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A key that is registered."""

    fingerprint: str
    created: float
    kind: str
    name: str  # for people
    no_imap_preauth: bool  # wait for AUTHENTICATE EXTERNAL on IMAP, as some programs are confused by PREAUTH
    account: str
    login_address: str
    certificate: bytes = field(repr=False)  # DER


class ClientKeys:
    """The keys in a database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, fingerprint: str) -> ClientKey | None:
        """The key with this fingerprint."""
        return await self._db.read(lambda db: _find(db, fingerprint))

    async def list(self, account: str | None = None) -> Sequence[ClientKey]:
        """The keys of an account, or all, the oldest first."""
        return await self._db.read(lambda db: _list(db, account))

    async def add(self, key: ClientKey) -> None:
        """Register a key; raises Refusal when it is registered already, or the account has too many."""
        await self._db.write(lambda db: _add(db, key))

    async def remove(self, fingerprint: str, *, account: str | None = None) -> ClientKey | None:
        """Forget a key, with `account` only when it is one of that account's; what was forgotten."""
        return await self._db.write(lambda db: _remove(db, fingerprint, account))

    async def remove_all(self, account: str) -> None:
        """Forget the keys of an account that is no more: another one of its name may come."""
        await self._db.write(lambda db: db.execute("DELETE FROM client_key WHERE account = ?", (account,)))


def fingerprint_of(certificate: bytes) -> str:
    """The fingerprint of a certificate's key; "" for a certificate that cannot be read."""
    try:
        return read_certificate(certificate).fingerprint
    except Refusal:
        return ""


def read_certificate(certificate: bytes) -> KeyFacts:
    """What a certificate (DER) says of its key; raises Refusal for one that cannot be used."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if len(certificate) > MAX_CERTIFICATE_BYTES:
        raise Refusal(f"a certificate can have {MAX_CERTIFICATE_BYTES} bytes at most")
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        key = parsed.public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refusal("this is not a certificate that can be read") from None
    fingerprint = base64.urlsafe_b64encode(hashlib.sha256(info).digest()).rstrip(b"=").decode()
    name = printable(str(names[0].value))[:MAX_NAME] if names else ""
    return KeyFacts(fingerprint, _kind(key), name)


def _kind(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise Refusal(f"the RSA key has {key.key_size} bits; {MIN_RSA_BITS} are needed for it to be safe")
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ecdsa-{key.curve.name}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448"
    raise Refusal("keys of this kind cannot sign in; use Ed25519, ECDSA or RSA")


_COLUMNS = ", ".join(one.name for one in fields(ClientKey))


def _key(row: Sequence[object]) -> ClientKey:
    names = (one.name for one in fields(ClientKey))
    values = dict(zip(names, row, strict=True))
    values["no_imap_preauth"] = bool(values["no_imap_preauth"])
    return ClientKey(**values)  # type: ignore[arg-type]


def _find(db: sqlite3.Connection, fingerprint: str) -> ClientKey | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM client_key WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return _key(row) if row else None


def _list(db: sqlite3.Connection, account: str | None) -> Sequence[ClientKey]:
    query = f"SELECT {_COLUMNS} FROM client_key WHERE ?1 IS NULL OR account = ?1 ORDER BY created, fingerprint"
    return [_key(row) for row in db.execute(query, (account,))]


def _add(db: sqlite3.Connection, key: ClientKey) -> None:
    if _find(db, key.fingerprint) is not None:  # perhaps of another account, which is nobody's business
        raise Refusal("this key is registered already; each can stand for one address only")
    (count,) = db.execute("SELECT count(*) FROM client_key WHERE account = ?", (key.account,)).fetchone()
    if count >= MAX_KEYS:
        raise Refusal(f"an account can have {MAX_KEYS} keys; remove one that is not used any more")
    marks = ", ".join("?" * len(fields(ClientKey)))
    db.execute(f"INSERT INTO client_key ({_COLUMNS}) VALUES ({marks})", astuple(key))


def _remove(db: sqlite3.Connection, fingerprint: str, account: str | None) -> ClientKey | None:
    found = _find(db, fingerprint)
    if found is None or account not in (None, found.account):
        return None
    db.execute("DELETE FROM client_key WHERE fingerprint = ?", (fingerprint,))
    return found
