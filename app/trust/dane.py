"""DANE: certificates of mail servers checked by TLSA records from signed DNS (RFC 6698, RFC 7671, RFC 7672).

    records = usable(answer.records)            # only from an answer that DNSSEC vouches for
    verdict = check(records, chain, Names(...)) # chain: DER, the server's own certificate first

For mail servers the usages 2 (DANE-TA) and 3 (DANE-EE) exist, 0 and 1 are unusable (RFC 7672 §3.1.3). With DANE-EE the
record alone decides, whatever names and dates the certificate has (RFC 7671 §5.1). With DANE-TA the chain from the
certificate to the one in the record must hold, in its dates too, and the certificate be for one of the names (RFC 7672
§3.2.2). Never raises for what a server sends.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from app.trust.lookup import Tlsa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

DANE_TA, DANE_EE = 2, 3
MAX_RECORDS = 50
MAX_CHAIN = 10

_LENGTHS = {1: 32, 2: 64}  # of SHA-256 and SHA-512


class DaneResult(Enum):
    """What came of a check."""

    MATCHED = "matched"
    NO_MATCH = "no match"  # no record is about this certificate or one it was issued by
    WRONG_NAME = "wrong name"
    EXPIRED = "expired"
    BAD_CHAIN = "bad chain"


@dataclass(frozen=True, slots=True)
class Names:
    """Whom the certificate may be for: the server's host, and the domain the mail is for (RFC 7672 §3.2.2)."""

    hosts: tuple[str, ...]
    now: datetime.datetime


@dataclass(frozen=True, slots=True)
class DaneVerdict:
    """The result, and the record that matched."""

    result: DaneResult
    record: Tlsa | None = None


def usable(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """Those that can be used for mail; when there are records but none of these, TLS is due but nothing verifies it."""
    return tuple(one for one in records[:MAX_RECORDS] if _is_usable(one))


def _is_usable(record: Tlsa) -> bool:
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (0, 1):
        return False
    if record.matching == 0:
        return _loads(record)
    return _LENGTHS.get(record.matching) == len(record.data)


def _loads(record: Tlsa) -> bool:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        if record.selector == 0:
            x509.load_der_x509_certificate(record.data)
        else:
            load_der_public_key(record.data)
    except Exception:  # whatever the parser says of foreign bytes, they cannot be used
        return False
    return True


def make_record(usage: int, selector: int, matching: int, certificate: bytes) -> Tlsa:
    """The record for a certificate in DER."""
    return Tlsa(usage, selector, matching, _association(_selected(certificate, selector), matching))


def key_record(usage: int, matching: int, key: PublicKeyTypes) -> Tlsa:
    """The record for a key alone."""
    return Tlsa(usage, 1, matching, _association(_info(key), matching))


def check(records: Sequence[Tlsa], chain: Sequence[bytes], names: Names) -> DaneVerdict:
    """Whether usable records vouch for a server that showed this chain."""
    if not chain:
        return DaneVerdict(DaneResult.NO_MATCH)
    for record in records:
        if record.usage == DANE_EE and _matches(record, chain[0]):
            return DaneVerdict(DaneResult.MATCHED, record)
    verdict = DaneVerdict(DaneResult.NO_MATCH)
    for record in records:
        if record.usage == DANE_TA:
            result = _check_anchor(record, chain[:MAX_CHAIN], names)
            if result is DaneResult.MATCHED:
                return DaneVerdict(result, record)
            if verdict.result is DaneResult.NO_MATCH:
                verdict = DaneVerdict(result)
    return verdict


def _check_anchor(record: Tlsa, chain: Sequence[bytes], names: Names) -> DaneResult:
    from cryptography import x509

    ders = [*chain, record.data] if (record.selector, record.matching) == (0, 0) else list(chain)
    anchors = {der for der in ders if _matches(record, der)}
    if not anchors:
        return DaneResult.NO_MATCH
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in ders]
        return _check_path(certificates, {ders.index(der) for der in anchors}, names)
    except Exception:  # foreign bytes: cryptography raises many kinds
        return DaneResult.BAD_CHAIN


def _check_path(certificates: Sequence[Certificate], anchors: set[int], names: Names) -> DaneResult:
    """From the server's certificate up to an anchor, each signed by the next and in its time."""
    left = set(range(len(certificates)))
    at = 0
    depth = 0
    while True:
        left.discard(at)
        if not _is_current(certificates[at], names.now):
            return DaneResult.EXPIRED
        if at in anchors:
            break
        issuers = [one for one in sorted(left) if _issued(certificates[one], certificates[at], depth)]
        if not issuers:
            return DaneResult.BAD_CHAIN
        at = next((one for one in issuers if one in anchors), issuers[0])
        depth += 1
    return DaneResult.MATCHED if _is_for(certificates[0], names.hosts) else DaneResult.WRONG_NAME


def _is_current(certificate: Certificate, now: datetime.datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _issued(issuer: Certificate, certificate: Certificate, depth: int) -> bool:
    """Whether one is an authority that signed the other, with `depth` authorities below it."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return limits.ca and (limits.path_length is None or limits.path_length >= depth)


def _is_for(certificate: Certificate, hosts: Sequence[str]) -> bool:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    told = {name.lower() for name in extension.value.get_values_for_type(x509.DNSName)}
    return any(host in told or ("*." + host.partition(".")[2]) in told for host in map(str.lower, hosts))


def _matches(record: Tlsa, der: bytes) -> bool:
    try:
        return hmac.compare_digest(_association(_selected(der, record.selector), record.matching), record.data)
    except Exception:  # not a certificate
        return False


def _selected(der: bytes, selector: int) -> bytes:
    """The certificate, or its public key."""
    if selector == 0:
        return der
    from cryptography import x509

    return _info(x509.load_der_x509_certificate(der).public_key())


def _info(key: PublicKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _association(data: bytes, matching: int) -> bytes:
    if matching == 0:
        return data
    return hashlib.sha256(data).digest() if matching == 1 else hashlib.sha512(data).digest()
