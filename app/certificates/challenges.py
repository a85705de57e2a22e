"""What our ports answer while an authority checks that a name leads here.

Written by the threads that talk to authorities, read by the ports. Only tokens that were just announced for the very
name are answered, everything else is unknown.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Iterator
from typing import Any, Final

from app.clock import Clock
from app.net.certificatefile import load_chain
from app.net.selfsigned import make_self_signed

ALPN: Final = "acme-tls/1"  # RFC 8737 §6.2
PATH: Final = "/.well-known/acme-challenge/"  # RFC 8555 §8.3
_IDENTIFIER_OID = "1.3.6.1.5.5.7.1.31"  # id-pe-acmeIdentifier, RFC 8737 §3


class Challenges:
    """The open challenges of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[tuple[str, str], str] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.context: ssl.SSLContext | None = None  # of a handshake that offers ALPN; only while one is expected

    @contextlib.contextmanager
    def http(self, name: str, token: str, answer: str) -> Iterator[None]:
        """Answer http-01 for a name."""
        self._tokens[name, token] = answer
        try:
            yield
        finally:
            del self._tokens[name, token]

    @contextlib.contextmanager
    def tls(self, name: str, key_authorization: str) -> Iterator[None]:
        """Answer tls-alpn-01 for a name."""
        self._contexts[name] = _challenge_context(name, key_authorization, self._clock.now())
        self._update()
        try:
            yield
        finally:
            del self._contexts[name]
            self._update()

    def answer(self, host: str, path: str) -> str | None:
        """What stands at a path of a host, for http-01; `host` may have a port."""
        if not self._tokens or not path.startswith(PATH):
            return None
        name = host.partition(":")[0].rstrip(".").lower()
        return self._tokens.get((name, path.removeprefix(PATH)))

    def _update(self) -> None:
        if not self._contexts:
            self.context = None
        elif self.context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.sni_callback = self._choose
            context.set_alpn_protocols([ALPN])
            self.context = context

    def _choose(self, ssl_object: Any, name: str | None, context: ssl.SSLContext) -> int | None:  # noqa: ANN401
        chosen = self._contexts.get((name or "").lower())
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        ssl_object.context = chosen
        return None


def _challenge_context(name: str, key_authorization: str, now: float) -> ssl.SSLContext:
    """A context with the certificate of RFC 8737 §3: for the name alone, with the digest of the key authorization."""
    from cryptography import x509
    from cryptography.x509.oid import ObjectIdentifier

    digest = hashlib.sha256(key_authorization.encode()).digest()
    octets = b"\x04" + bytes([len(digest)]) + digest  # DER of an OCTET STRING
    extension = x509.UnrecognizedExtension(ObjectIdentifier(_IDENTIFIER_OID), octets)
    made = make_self_signed([name], now, critical=(extension,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, made.certificate + made.key)
    context.set_alpn_protocols([ALPN])
    return context
