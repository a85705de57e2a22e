"""TLS for servers: contexts from certificate files, chosen by the name a client asks for, and what was negotiated.

`ServerCertificates` holds one context per set of certificates; `context` is the one to hand to connections, which
moves a handshake to the right one by server name (RFC 6066 §3), so that `replace` takes effect for the next handshake.
A client that names nobody we know gets the first certificate: mail clients and servers often ask for another name.
Where a name has an ECDSA and an RSA certificate, OpenSSL takes the ECDSA one for clients that can.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import MailError
from app.metrics import counter
from app.net import channelbinding, clientcertificates

_WITHOUT_NAME = counter("autotls_missing_servername_total", "TLS handshakes in which the client named no host.")
_UNKNOWN_NAME = counter("autotls_unknown_servername_total", "TLS handshakes for a host without a certificate here.")


class CertificateError(MailError):
    """A certificate or its key cannot be used; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class KeyCert:
    """A certificate chain and its private key, as PEM files; /dev/fd/N works too."""

    certificate_file: str
    key_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsInfo:
    """What a TLS handshake led to."""

    version: str  # such as "TLSv1.3"
    cipher: str
    server_name: str | None  # what the client asked for (SNI), lower case
    client_certificate: bytes = field(default=b"", repr=False)  # that the client showed, DER
    ssl_object: ssl.SSLObject | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.version} {self.cipher}"

    def binding_types(self) -> tuple[str, ...]:
        """The channel bindings this connection can be bound by, best first."""
        return channelbinding.types_for(self.version)

    def channel_binding(self, binding_type: str) -> bytes | None:
        """The data of a channel binding such as "tls-exporter"; None when it does not exist here."""
        if self.ssl_object is None or binding_type not in self.binding_types():
            return None
        return channelbinding.data(self.ssl_object, binding_type)


def tls_info(ssl_object: Any) -> TlsInfo:  # noqa: ANN401  # the type of transport.get_extra_info("ssl_object")
    """The facts of the handshake behind an SSL object."""
    cipher = ssl_object.cipher()
    return TlsInfo(
        version=ssl_object.version() or "",
        cipher=cipher[0] if cipher else "",
        server_name=getattr(ssl_object, "asked_server_name", None),
        client_certificate=clientcertificates.given(ssl_object),
        ssl_object=ssl_object,
    )


def peer_chain(ssl_object: Any) -> list[bytes]:  # noqa: ANN401
    """The certificates that the other side has shown, its own first, as DER; unverified."""
    if hasattr(ssl_object, "get_unverified_chain"):  # from Python 3.13
        return list(ssl_object.get_unverified_chain())
    import _ssl

    try:
        # From 3.10 the object behind has the method, only without a name in public.
        chain = ssl_object._sslobj.get_unverified_chain() or ()
        return [one.public_bytes(_ssl.ENCODING_DER) for one in chain]
    except AttributeError:
        own = ssl_object.getpeercert(binary_form=True)
        return [own] if own else []


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What a listener says about TLS besides its certificates."""

    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    session_tickets: bool = True
    asks_client_certificates: bool = False
    refuses_unknown_names: bool = False  # and clients that name nobody


class ServerCertificates:
    """The certificates of a listener, replaceable while it runs."""

    def __init__(self, certificates: Sequence[KeyCert], settings: TlsSettings | None = None) -> None:
        """Load the files; raises CertificateError."""
        self._settings = settings or TlsSettings()
        self._by_name: dict[str, ssl.SSLContext] = {}
        self.missed: Callable[[str], None] = _nobody  # told of names that are asked for and not here
        self._first: ssl.SSLContext
        self.replace(certificates)
        self.context: ssl.SSLContext = self._first
        self.context.sni_callback = self._choose
        channelbinding.exporter_works()  # so that no connection has to wait for the test

    def replace(self, certificates: Sequence[KeyCert]) -> None:
        """Use other certificates from now on; raises CertificateError and keeps the old ones when one is unusable."""
        if not certificates:
            raise CertificateError("a listener with TLS needs at least one certificate")
        named = [(certificate, certificate_names(certificate)) for certificate in certificates]
        made: dict[tuple[KeyCert, ...], ssl.SSLContext] = {}
        by_name: dict[str, ssl.SSLContext] = {}
        for name in {name: None for _, names in named for name in names}:
            group = tuple(certificate for certificate, names in named if name in names)
            if group not in made:
                made[group] = _make_context(group, self._settings)
            by_name[name] = made[group]
        first = next((by_name[name] for name in named[0][1]), None)
        self._first = first or _make_context((named[0][0],), self._settings)
        self._by_name = by_name

    def find(self, server_name: str | None) -> ssl.SSLContext:
        """The context for a server name: exact, then by wildcard, else the first certificate's."""
        return self._named(server_name) or self._first

    def _named(self, server_name: str | None) -> ssl.SSLContext | None:
        if not server_name:
            return None
        name = server_name.lower().rstrip(".")
        wildcard = "*." + name.partition(".")[2]
        return self._by_name.get(name) or self._by_name.get(wildcard)

    def _choose(self, ssl_object: Any, server_name: str | None, context: ssl.SSLContext) -> int | None:  # noqa: ANN401
        if not server_name:
            _WITHOUT_NAME.inc()
        else:
            ssl_object.asked_server_name = server_name.lower()
        chosen = self._named(server_name)
        if chosen is None:
            if server_name:
                _UNKNOWN_NAME.inc()
                self.missed(server_name.lower().rstrip("."))
            if self._settings.refuses_unknown_names:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            chosen = self._first
        if chosen is not ssl_object.context:
            ssl_object.context = chosen
        return None


def _nobody(name: str) -> None:
    pass


_REASONS = {
    "NO_PROTOCOLS_AVAILABLE": "version",
    "UNSUPPORTED_PROTOCOL": "version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "version",
    "WRONG_VERSION_NUMBER": "notls",
    "HTTP_REQUEST": "notls",
    "NO_SHARED_CIPHER": "cipher",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "cipher",
    "TLSV1_ALERT_UNKNOWN_CA": "certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "certificate",
}


def handshake_reason(error: OSError) -> str:
    """Why a handshake failed, as one of a few words."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return _REASONS.get(getattr(error, "reason", None) or "", "other")
    return "gone"


def certificate_names(certificate: KeyCert) -> tuple[str, ...]:
    """The host names of a certificate, lower case, in order; raises CertificateError."""
    from cryptography import x509

    try:
        with open(certificate.certificate_file, "rb") as file:
            leaf = x509.load_pem_x509_certificates(file.read())[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    except (OSError, ValueError) as error:
        raise CertificateError(f"cannot use certificate {certificate.certificate_file}: {error}") from None
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _make_context(certificates: Iterable[KeyCert], settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if not settings.session_tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    if settings.asks_client_certificates:
        clientcertificates.ask(context)
    for certificate in certificates:
        try:
            context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = f"{certificate.certificate_file} with key {certificate.key_file}"
            raise CertificateError(f"cannot use certificate {files}: {error}") from None
    return context
