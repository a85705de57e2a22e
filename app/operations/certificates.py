"""The certificates of listeners, looked at as their files are: until when, for whom, and who signed them.

What cannot be read or understood is a fact like any other, with the reason in words; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.live import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate file that a listener uses."""

    path: Path
    listener: str
    names: Sequence[str] = ()  # of hosts, in ASCII
    expires: float = 0.0  # seconds since 1970
    is_self_signed: bool = False
    failure: str = ""  # why nothing is known of it

    def is_for(self, hostname: str) -> bool:
        """Whether a host name is among its names; a star stands for one label."""
        return hostname in self.names or f"*.{hostname.partition('.')[2]}" in self.names


def certificates(live: Live) -> Sequence[Certificate]:
    """Those of every listener, a file once. Reads files: not for the event loop."""
    found: dict[Path, Certificate] = {}
    for name, listener in live.static.listeners.items():
        for pair in listener.tls.key_certs if listener.tls else ():
            path = live.resolve(pair.cert_file)
            found.setdefault(path, read_certificate(path, name))
    return list(found.values())


def are_trusted(found: Sequence[Certificate], now: float, automatic: bool | None) -> bool | None:
    """Whether mail programs take them without asking, as far as files tell; None when that cannot be told.

    `automatic` says whether those that come by themselves are there, None where none does.
    """
    if automatic is False or any(not one.failure and (one.is_self_signed or one.expires <= now) for one in found):
        return False
    if any(one.failure for one in found):
        return None
    return True if found else automatic


def read_certificate(path: Path, listener: str) -> Certificate:
    """What a file says; the first certificate of a chain is the server's own."""
    from cryptography import x509

    try:
        one = x509.load_pem_x509_certificate(path.read_bytes())
        names = _names(one)
    except OSError as error:
        return Certificate(path=path, listener=listener, failure=error.strerror or "cannot be read")
    except ValueError:
        return Certificate(path=path, listener=listener, failure="it is no certificate in PEM form")
    return Certificate(
        path=path,
        listener=listener,
        names=names,
        expires=one.not_valid_after_utc.timestamp(),
        is_self_signed=one.issuer == one.subject,
    )


def _names(certificate: object) -> Sequence[str]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in found.value.get_values_for_type(x509.DNSName))
