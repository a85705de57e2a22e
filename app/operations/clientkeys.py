"""Client keys: registering a certificate's key for an address, making a new one, forgetting one.

A key signs in without a password, so it can only stand for an address of the account that it is registered for, which
must have that address itself, not by a catchall. Who has the private key of a generated one is the person alone: it is
shown once and not kept.
"""

from __future__ import annotations

import datetime
import re
import ssl
from dataclasses import dataclass, field

from app.clock import Clock, utc
from app.config.dynamic import Dynamic
from app.errors import Refusal
from app.operations.localaddresses import holder
from app.store.clientkeys import MAX_CERTIFICATE_BYTES, MAX_NAME, ClientKey, ClientKeys, read_certificate
from app.store.strangers import printable

VALID_DAYS = 10 * 365  # we do not look at the dates, but programs of the client may

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_PRIVATE = "PRIVATE KEY-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be registered."""

    address: str
    pem: str
    name: str = ""  # "" for the common name of the certificate
    no_imap_preauth: bool = False


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A new key and its certificate, PEM."""

    private_key: str = field(repr=False)
    certificate: str

    @property
    def combined(self) -> str:
        """Both, as many programs want them in one file."""
        return self.private_key + self.certificate


async def register(keys: ClientKeys, dynamic: Dynamic, clock: Clock, wish: Wish) -> ClientKey:
    """Let the key of a certificate sign in; raises Refusal with what is wrong."""
    held = holder(dynamic, wish.address)
    if held is None or held.key.startswith("@"):
        raise Refusal(f"{wish.address!r} is not an address of an account here")
    certificate = certificate_of(wish.pem)
    facts = read_certificate(certificate)
    key = ClientKey(
        fingerprint=facts.fingerprint,
        created=clock.now(),
        kind=facts.kind,
        name=printable(wish.name.strip())[:MAX_NAME] or facts.name,
        no_imap_preauth=wish.no_imap_preauth,
        account=held.account,
        login_address=wish.address.strip(),
        certificate=certificate,
    )
    await keys.add(key)
    return key


def certificate_of(pem: str) -> bytes:
    """The first certificate in a text, DER; raises Refusal."""
    if len(pem) > 4 * MAX_CERTIFICATE_BYTES:
        raise Refusal("this is too long for a certificate")
    found = _CERTIFICATE.search(pem)
    if found is None and _PRIVATE in pem:
        raise Refusal("this is a private key, which you should give to nobody; the certificate is wanted")
    if found is None:
        raise Refusal("this is no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----")
    try:
        return ssl.PEM_cert_to_DER_cert(found[0])
    except ValueError:
        raise Refusal("the certificate is damaged; copy all of it") from None


def generate(name: str, clock: Clock) -> GeneratedKey:
    """A new Ed25519 key with a certificate signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ed25519.Ed25519PrivateKey.generate()
    words = printable(name).encode()[:64].decode("utf-8", "ignore") or "mox client"  # what a common name can have
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, words)])
    start = utc(clock.now()) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return GeneratedKey(private.decode(), certificate.public_bytes(Encoding.PEM).decode())
