"""The client's side, for signing in at other servers.

`choose` picks the best mechanism that both know. An exchange gives its `initial` response (None when the server speaks
first), an answer for each challenge, and `finish` when the server says success: it raises WireError when the server
has not proven itself, as SCRAM asks of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.errors import WireError
from app.wire.sasl.cram import cram_response, cram_secret
from app.wire.sasl.preparation import saslprep
from app.wire.sasl.scrammessage import (
    digest,
    encode_base64,
    escape_name,
    parse_server_final,
    parse_server_first,
    salted_password,
    xor,
)
from app.wire.sasl.servers import Mechanism, find_mechanism, random_nonce
from app.wire.sasl.steps import ChannelBindings


@dataclass(frozen=True, slots=True)
class Login:
    """What we sign in with."""

    user: str
    password: str = field(repr=False)


class ClientExchange:
    """The client's side of one exchange."""

    def initial(self) -> bytes | None:
        """The initial response, or None when the server has to begin."""
        return None

    def answer(self, challenge: bytes) -> bytes:
        """The answer to a challenge."""
        raise NotImplementedError

    def finish(self) -> None:
        """The server says that we are in."""


class ExternalClient(ClientExchange):
    """EXTERNAL: who we are, TLS has shown (RFC 4422 appendix A)."""

    def __init__(self, user: str) -> None:
        self._user = user

    def initial(self) -> bytes:
        return self._user.encode()

    def answer(self, challenge: bytes) -> bytes:
        raise WireError("server asks again after EXTERNAL")


class PlainClient(ClientExchange):
    """PLAIN."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def initial(self) -> bytes:
        return f"\0{self._login.user}\0{self._login.password}".encode()

    def answer(self, challenge: bytes) -> bytes:
        raise WireError("server asks again after PLAIN")


class LoginClient(ClientExchange):
    """LOGIN; the questions are counted, not read."""

    def __init__(self, login: Login) -> None:
        self._answers = [login.password, login.user]

    def answer(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise WireError("server asks again after LOGIN")
        return self._answers.pop().encode()


class CramClient(ClientExchange):
    """CRAM-MD5."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def answer(self, challenge: bytes) -> bytes:
        return cram_response(self._login.user, cram_secret(self._login.password), challenge)


class ScramClient(ClientExchange):
    """SCRAM; `tls` with a binding type makes it the -PLUS variant."""

    def __init__(self, hash_name: str, login: Login, gs2: bytes, binding: bytes = b"", nonce: str = "") -> None:
        """`gs2` is the flag: b"n", b"y" (we could bind, the server offers none) or b"p=type" with `binding` data."""
        self._hash = hash_name
        self._password = saslprep(login.password)
        self._header = gs2 + b",,"
        self._binding = binding
        self._nonce = nonce or random_nonce()
        self._bare = f"n={escape_name(saslprep(login.user))},r={self._nonce}".encode()
        self._server_signature: bytes | None = None
        self._is_proven = False

    def initial(self) -> bytes:
        return self._header + self._bare

    def answer(self, challenge: bytes) -> bytes:
        if self._server_signature is None:
            return self._prove(challenge)
        if not hmac.compare_digest(parse_server_final(challenge), self._server_signature):
            raise WireError("server does not know the password itself")
        self._is_proven = True
        return b""

    def finish(self) -> None:
        if not self._is_proven:
            raise WireError("server has not proven itself")

    def _prove(self, challenge: bytes) -> bytes:
        first = parse_server_first(challenge)
        if not first.nonce.startswith(self._nonce) or first.nonce == self._nonce:
            raise WireError("SCRAM nonce is not the one that was agreed")
        salted = salted_password(self._hash, self._password, first.salt, first.iterations)
        client_key = digest(self._hash, salted, b"Client Key")
        stored_key = hashlib.new(self._hash, client_key).digest()
        final = b"c=" + encode_base64(self._header + self._binding) + b",r=" + first.nonce.encode()
        signed = self._bare + b"," + challenge + b"," + final
        self._server_signature = digest(self._hash, digest(self._hash, salted, b"Server Key"), signed)
        return final + b",p=" + encode_base64(xor(client_key, digest(self._hash, stored_key, signed)))


def choose(
    names: Iterable[str], tls: ChannelBindings | None, allowed: Iterable[Mechanism] = tuple(Mechanism)
) -> Mechanism | None:
    """The best mechanism that the server names, that is allowed, and that does not show a password in the clear."""
    offered = {found for name in names if (found := find_mechanism(name)) is not None}
    usable = offered & set(allowed) - {Mechanism.EXTERNAL}
    for mechanism in Mechanism:
        if mechanism not in usable or (mechanism.is_plus and not (tls and tls.binding_types())):
            continue
        if tls is not None or not mechanism.shows_password:
            return mechanism
    return None


def begin(mechanism: Mechanism, login: Login, tls: ChannelBindings | None, offered: Iterable[str]) -> ClientExchange:
    """An exchange by a mechanism of `choose`; `offered` are the names that the server gave."""
    if not mechanism.hash_name:
        simple = {Mechanism.PLAIN: PlainClient, Mechanism.LOGIN: LoginClient, Mechanism.CRAM_MD5: CramClient}
        return simple[mechanism](login)
    types = tls.binding_types() if tls else ()
    if mechanism.is_plus and tls is not None and types:
        binding = tls.channel_binding(types[0]) or b""
        return ScramClient(mechanism.hash_name, login, b"p=" + types[0].encode(), binding)
    server_binds = any(name.upper().endswith("-PLUS") for name in offered)
    return ScramClient(mechanism.hash_name, login, b"y" if types and not server_binds else b"n")
