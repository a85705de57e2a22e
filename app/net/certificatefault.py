"""What was wrong with a certificate, from the number that OpenSSL gives for it: in words, and in RFC 8460's terms."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CertificateFault:
    """`result` is a result type of RFC 8460 §4.3."""

    result: str
    words: str


_HOST_MISMATCH, _IP_MISMATCH = 62, 64
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = (18, 19)

NOT_TRUSTED = CertificateFault("certificate-not-trusted", "the certificate is from an authority that is not known here")


def certificate_fault(err: ssl.SSLCertVerificationError) -> CertificateFault:
    """The fault behind a failed handshake."""
    code = err.verify_code
    if code in (_HOST_MISMATCH, _IP_MISMATCH):
        return CertificateFault("certificate-host-mismatch", "the certificate is for another name")
    if code == _EXPIRED:
        return CertificateFault("certificate-expired", "the certificate has expired")
    if code == _NOT_YET_VALID:
        return CertificateFault("certificate-not-trusted", "the certificate is not valid yet")
    if code in _SELF_SIGNED:
        return CertificateFault("certificate-not-trusted", "the certificate is signed by nobody but itself")
    return NOT_TRUSTED
