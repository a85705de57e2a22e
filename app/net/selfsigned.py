"""Certificates that we sign ourselves, for a server that has no others yet, and the digests that TLSA records hold.

P-256 keys, as ECDSA costs a server a fraction of RSA. Mail clients warn about such a certificate until the person
accepts it; other mail servers take it, as they mostly do not check.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.clock import utc

if TYPE_CHECKING:  # the real import is left to the first use, as it is slow
    from cryptography.x509 import ExtensionType, GeneralName

VALID_DAYS = 3650
_BACKDATE_S = 24 * 3600  # for clients whose clock is behind
MAX_COMMON_NAME = 64  # RFC 5280 appendix A.1, ub-common-name


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """A certificate and its key, both as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def make_self_signed(
    names: Sequence[str], now: float, days: int = VALID_DAYS, critical: Sequence[ExtensionType] = ()
) -> SelfSigned:
    """A certificate for these host names (in ASCII) and IP addresses, the first of them its subject.

    `critical` are further extensions, marked as such.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:MAX_COMMON_NAME])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc(now - _BACKDATE_S))
        .not_valid_after(utc(now) + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    for extension in critical:
        builder = builder.add_extension(extension, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    return SelfSigned(
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def spki_sha256(key_pem: bytes) -> str:
    """The digest of a private key's public half, as in a TLSA record of type 3 1 1 (RFC 6698 §2.1)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    public = load_pem_private_key(key_pem, None).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
