"""Certificates and account keys on disk, where the Go server has them too, in its form:

    data/acme/<authority>.key                      key of the account with the authority, PEM
    data/acme/keycerts/<authority>/<name>          key of the certificate, the certificate, and the chain above it, PEM

Files are mode 0600 and replaced whole. What cannot be understood counts as not there; what cannot be read does not, as
it would be replaced.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import Temporary
from app.net.tls import KeyCert

DIRECTORY = "acme"
_PRIVATE = 0o600
_ROOM_BYTES = 16 << 10  # more than a key and a chain have


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A certificate that is there. Times are seconds since 1970."""

    path: Path
    names: Sequence[str]
    begins: float
    ends: float
    chain: bytes  # without the key
    key: bytes = field(repr=False)

    @property
    def key_cert(self) -> KeyCert:
        """As listeners take it."""
        return KeyCert(str(self.path), str(self.path))


class CertificateFiles:
    """The files below a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / DIRECTORY

    def find(self, authority: str, name: str) -> Kept | None:
        """The certificate for a name; raises Temporary when it cannot be read."""
        path = self._directory / "keycerts" / authority / name
        content = _read(path)
        try:
            return read_kept(path, content) if content is not None else None
        except ValueError:
            return None

    def require_room(self, authority: str) -> None:
        """Raise Temporary when a certificate could not be kept: an authority gives few, so that is asked before."""
        probe = self._directory / "keycerts" / authority / ".room"
        _replace(probe, bytes(_ROOM_BYTES))
        probe.unlink(missing_ok=True)

    def put(self, authority: str, name: str, key: bytes, chain: bytes) -> Kept:
        """Keep a certificate in place of the one before; raises ValueError for what is none, Temporary."""
        path = self._directory / "keycerts" / authority / name
        pem = key.rstrip() + b"\n" + chain
        kept = read_kept(path, pem)
        _replace(path, pem)
        return kept

    def account_key(self, authority: str) -> bytes | None:
        """The key of our account with an authority; raises Temporary when it cannot be read."""
        return _read(self._directory / f"{authority}.key")

    def put_account_key(self, authority: str, key: bytes) -> None:
        """Keep it; raises Temporary."""
        _replace(self._directory / f"{authority}.key", key)


def read_kept(path: Path, pem: bytes) -> Kept:
    """What a file has; raises ValueError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    chain = x509.load_pem_x509_certificates(pem)
    key = load_pem_private_key(pem, None)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        raise ValueError("the key is not that of the certificate")
    try:
        names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("the certificate has no names") from None
    start = pem.index(b"-----BEGIN CERTIFICATE-----")
    return Kept(
        path=path,
        names=tuple(names.get_values_for_type(x509.DNSName)),
        begins=chain[0].not_valid_before_utc.timestamp(),
        ends=chain[0].not_valid_after_utc.timestamp(),
        chain=pem[start:],
        key=pem[:start],
    )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Temporary(f"cannot read {path}: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole, durably, for our eyes only."""
    part = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Temporary(f"cannot write {path}: {error.strerror}") from error
