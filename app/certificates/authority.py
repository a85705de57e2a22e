"""One conversation with an authority: account, order, proof that the name leads here, certificate (RFC 8555).

Blocking, by the acme library: run it in a thread. The library is imported here, when the first certificate is due, as
it brings 20 MB and a quarter of a second with it. All faults come out as NotIssued with words for a person
(`faultwords`).
"""

from __future__ import annotations

import contextlib
import datetime
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from acme import challenges, client, errors, messages
from acme.crypto_util import make_csr
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from requests.adapters import HTTPAdapter

from app import VERSION
from app.certificates.challenges import Challenges
from app.certificates.faultwords import NotIssued, connection_fault, explain

PATIENCE_S: Final = 300.0  # for a whole order
TIMEOUT_S: Final = 30
USER_AGENT: Final = f"mox/{VERSION}"
NONCE_TRIES: Final = 4
TLS_ALPN: Final = "tls-alpn-01"
HTTP: Final = "http-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How we talk to an authority."""

    directory_url: str
    contact: str
    account_key: bytes = field(repr=False)  # PEM, ECDSA on P-256
    binding: tuple[str, str] | None = field(default=None, repr=False)  # External Account Binding: key id, HMAC key
    ca_files: Sequence[str] = ()  # trusted besides those of the system


class TlsAlpnResponse(challenges.KeyAuthorizationChallengeResponse):
    """Says that a tls-alpn-01 challenge is ready."""

    typ = TLS_ALPN


@challenges.Challenge.register
class TlsAlpn(challenges.KeyAuthorizationChallenge):
    """The tls-alpn-01 challenge of RFC 8737, which the library does not have any more."""

    response_cls = TlsAlpnResponse
    typ = TLS_ALPN

    def validation(self, account_key: Any, **_: object) -> str:  # noqa: ANN401
        """What the certificate has to hold the digest of."""
        return str(self.key_authorization(account_key))


class _Adapter(HTTPAdapter):
    """HTTPS with the roots of the system and some more."""

    def __init__(self, ca_files: Sequence[str]) -> None:
        self._context = ssl.create_default_context()
        for name in ca_files:
            self._context.load_verify_locations(name)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401
        """With our context."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **more)


class _Network(client.ClientNetwork):
    """The library tries once more after a bad nonce; authorities of many machines can need more (RFC 8555 §6.5)."""

    def post(self, *arguments: Any, **more: Any) -> requests.Response:  # noqa: ANN401
        """Send a signed request."""
        for _ in range(NONCE_TRIES):
            with contextlib.suppress(_BadNonce):
                return self._posted(*arguments, **more)
        return super().post(*arguments, **more)

    def _posted(self, *arguments: Any, **more: Any) -> requests.Response:  # noqa: ANN401
        try:
            return super().post(*arguments, **more)
        except messages.Error as error:
            if error.code == "badNonce":
                raise _BadNonce from error
            raise


class _BadNonce(Exception):
    """The authority wants another nonce."""


class Authority:
    """An account with an authority."""

    def __init__(self, terms: Terms, open_challenges: Challenges) -> None:
        """Find or make the account; raises NotIssued."""
        self._challenges = open_challenges
        try:
            self._key = JWKEC(key=load_pem_private_key(terms.account_key, None))
        except (ValueError, TypeError) as error:
            raise NotIssued(f"The key of the account with the authority cannot be used: {error}.") from None
        self._net = _Network(self._key, alg=ES256, user_agent=USER_AGENT, timeout=TIMEOUT_S)
        self._net.session.mount("https://", _Adapter(terms.ca_files))
        with _explained(terms.directory_url):
            directory = client.ClientV2.get_directory(terms.directory_url, self._net)
            self._client = client.ClientV2(directory, self._net)
            self._sign_in(terms)

    def _sign_in(self, terms: Terms) -> None:
        binding = None
        if terms.binding is not None:
            public, (key_id, secret) = self._key.public_key(), terms.binding
            binding = messages.ExternalAccountBinding.from_data(public, key_id, secret, self._client.directory)
        new = messages.NewRegistration.from_data(
            email=terms.contact, terms_of_service_agreed=True, external_account_binding=binding
        )
        try:
            self._client.new_account(new)
        except errors.ConflictError as known:  # the account is there
            account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
            self._net.account = account

    def obtain(self, name: str, key: bytes, methods: Sequence[str]) -> bytes:
        """A chain for a name, PEM, the certificate first; `methods` are the challenges we can answer, best first."""
        deadline = datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE_S)
        with _explained(name), contextlib.ExitStack() as answered:
            order = self._client.new_order(make_csr(key, domains=[name]))
            for authorization in order.authorizations:
                if authorization.body.status != messages.STATUS_VALID:
                    self._prove(name, authorization, methods, answered)
            order = self._client.poll_and_finalize(order, deadline)
            return str(order.fullchain_pem).encode()

    def _prove(self, name: str, authorization: Any, methods: Sequence[str], answered: contextlib.ExitStack) -> None:  # noqa: ANN401
        """Answer one challenge of an authorization; the answer stands until the order is over."""
        offered = {body.chall.typ: body for body in authorization.body.challenges if hasattr(body.chall, "typ")}
        method = next((one for one in methods if one in offered), None)
        if method is None:
            known = ", ".join(sorted(offered)) or "nothing"
            raise NotIssued(f"The authority takes {known} as proof, of which this server can give none.")
        body = offered[method]
        key_authorization = body.chall.key_authorization(self._key)
        if method == HTTP:
            answered.enter_context(self._challenges.http(name, body.chall.encode("token"), key_authorization))
        else:
            answered.enter_context(self._challenges.tls(name, key_authorization))
        self._client.answer_challenge(body, body.chall.response(self._key))

    def renewal_time(self, chain: bytes) -> float | None:
        """When the authority would like the certificate renewed (ARI); None when it does not say."""
        with contextlib.suppress(errors.Error, requests.RequestException, ValueError):
            when, _ = self._client.renewal_time(chain)
            return when.timestamp() if when is not None else None
        return None


def new_account_key() -> bytes:
    """A key for an account, PEM."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


new_key = new_account_key  # keys of certificates are of the same kind


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextlib.contextmanager
def _explained(about: str) -> Any:  # noqa: ANN401
    """Faults of the library as NotIssued."""
    try:
        yield
    except errors.ValidationError as error:
        raise explain(*_failed_challenge(error)) from None
    except errors.IssuanceError as error:
        raise explain(error.error.typ, error.error.detail or "") from None
    except messages.Error as error:
        raise explain(error.typ, error.detail or "") from None
    except errors.TimeoutError:
        raise NotIssued("the authority did not decide in time") from None
    except requests.RequestException as error:
        raise connection_fault(about, error) from None
    except (errors.Error, ValueError, KeyError, TypeError) as error:
        raise NotIssued(f"the authority's answer cannot be understood: {error}") from None


def _failed_challenge(error: errors.ValidationError) -> tuple[str, str]:
    for authorization in error.failed_authzrs:
        for body in authorization.body.challenges:
            if body.error is not None:
                return body.error.typ, body.error.detail or ""
    return "", "the proof was not accepted"
