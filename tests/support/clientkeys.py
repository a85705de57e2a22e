"""Client certificates for tests: self-signed, of any kind of key, as files and in contexts of clients."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from app.store.clientkeys import ClientKey, read_certificate
from tests.support.certificates import write_pair


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate of a client and its key."""

    certificate: Path
    key: Path

    @property
    def der(self) -> bytes:
        """The certificate."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())

    def context(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """A client that shows it, and trusts everybody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = version
        context.load_cert_chain(self.certificate, self.key)
        return context

    def registered(self, *, no_imap_preauth: bool = False, address: str = "jane@example.com") -> ClientKey:
        """As it is kept for jane."""
        facts = read_certificate(self.der)
        return ClientKey(
            fingerprint=facts.fingerprint,
            created=1.0,
            kind=facts.kind,
            name="laptop",
            no_imap_preauth=no_imap_preauth,
            account="jane",
            login_address=address,
            certificate=self.der,
        )


def make_shown(directory: Path, kind: str = "ecdsa") -> Shown:
    """A new one."""
    return Shown(*write_pair(directory, f"client-{len(list(directory.iterdir()))}.example", kind=kind))
