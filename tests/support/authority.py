"""A certificate authority for tests: roots, authorities below them, server certificates, contexts."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate with its key; whether it is an authority is for those who check."""

    def __init__(
        self, name: str, issuer: Authority | None = None, *, is_ca: bool = True, days: tuple[int, int] = (-1, 30)
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if not is_ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        self.certificate = builder.sign(signer.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(Encoding.DER)

    def authority(self, name: str) -> Authority:
        """An authority below this one."""
        return Authority(name, self)

    def leaf(self, name: str, days: tuple[int, int] = (-1, 30)) -> Authority:
        """The certificate of a server."""
        return Authority(name, self, is_ca=False, days=days)

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """The chain with its root, and the key, as PEM files."""
        chain, above = [self.pem], self.issuer
        while above is not None:
            chain.append(above.pem)
            above = above.issuer
        stem = f"{self.certificate.serial_number:x}"
        certificates, key = directory / f"{stem}.pem", directory / f"{stem}-key.pem"
        certificates.write_bytes(b"".join(chain))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificates, key

    def server(self, directory: Path) -> ssl.SSLContext:
        """A server that shows this certificate with its chain."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.write(directory))
        return context

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.pem.decode())
