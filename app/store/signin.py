"""Signing in, for every protocol: mechanisms, passwords, limits, and a record of each attempt.

    exchange = signin.begin("SCRAM-SHA-256", SignInContext(protocol="imap", remote=..., tls=...))
    result = await exchange.step(initial)        # None when the client sent no initial response
    Challenge(data) | SignedIn(account_name, login_address) | Failed(kind, text)

After a Challenge comes the next `step`, or `abort` when the client gives up. Failures are counted per network of the
peer; beyond the limit nothing is hashed. Unknown users, and accounts without a password, cost the same work and get
the same words as a wrong password. Whether an account may sign in at all is told only to who knows its password. A
login name is any address of the account. Nothing that a client sent is logged but a login name that exists.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from app import metrics
from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.config.lookup import Destined
from app.errors import MailError, StoreError, Temporary, WireError
from app.ids import token
from app.limits import FAILED_SIGN_INS, IpAddress, RateLimit
from app.log import logger
from app.store.account import credentials
from app.store.account.credentials import STRONG, Credentials, Parameters
from app.store.accounts import Accounts
from app.store.clientkeys import ClientKey, ClientKeys, fingerprint_of
from app.store.verification import Verdict, Verifier
from app.wire.sasl import servers
from app.wire.sasl.servers import Mechanism
from app.wire.sasl.steps import (
    Accepted,
    Challenge,
    ChannelBindings,
    CheckCertificate,
    CheckPassword,
    CramSecret,
    NeedSecret,
    Reason,
    ScramSecret,
    Secret,
    Step,
)

__all__ = ["Challenge", "Exchange", "Failed", "FailureKind", "SignIn", "SignInAttempt", "SignInContext", "SignedIn"]

_LOG = logger("store")
_LIMITED = metrics.counter(
    "authentication_ratelimited_total", "Attempts to sign in refused, too many failed.", ("kind",)
)
_ATTEMPTS = metrics.counter("authentication", "Attempts to sign in.", ("kind", "variant", "result"))


class FailureKind(Enum):
    """Why signing in failed; each protocol has its reply for each."""

    BAD_CREDENTIALS = "badcreds"
    BAD_CHANNEL_BINDING = "badchanbind"
    LOGIN_DISABLED = "logindisabled"
    MECHANISM_UNKNOWN = "badmechanism"
    NEEDS_TLS = "needstls"
    RATE_LIMITED = "ratelimited"
    SYNTAX = "badprotocol"
    ABORTED = "aborted"
    TEMPORARY = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInContext:
    """Where somebody signs in."""

    protocol: str  # such as "submission" or "imap"
    remote: IpAddress
    tls: ChannelBindings | None
    passwords_need_tls: bool = True
    local: IpAddress | None = None  # our own address of the connection
    tls_name: str = ""  # version and cipher, for people
    user_agent: str = ""  # what the client says of itself
    client_certificate: bytes = b""  # that of the TLS handshake, DER; b"" for none


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who it is."""

    account_name: str
    login_address: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Why not; `text` is for the client."""

    kind: FailureKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """What is recorded of an attempt."""

    context: SignInContext
    mechanism: str
    login_address: str  # as the client wrote it; may be anything, even a password
    account_name: str  # "" when there is none
    result: str  # "ok", or the value of a FailureKind
    client_key: str = ""  # the fingerprint of the registered key that was used


_TEXTS = {
    FailureKind.BAD_CREDENTIALS: "user name or password is wrong",
    FailureKind.BAD_CHANNEL_BINDING: "the exchange is not bound to this TLS connection",
    FailureKind.MECHANISM_UNKNOWN: "this mechanism is not supported here",
    FailureKind.NEEDS_TLS: "sign in over TLS only",
    FailureKind.RATE_LIMITED: "too many failed sign-ins from your network, wait and try again",
    FailureKind.ABORTED: "given up",
    FailureKind.TEMPORARY: "cannot check this now, try again later",
}
_KINDS = {
    Reason.BAD_CREDENTIALS: FailureKind.BAD_CREDENTIALS,
    Reason.OTHER_IDENTITY: FailureKind.BAD_CREDENTIALS,
    Reason.BAD_CHANNEL_BINDING: FailureKind.BAD_CHANNEL_BINDING,
}
_COUNTED = (FailureKind.BAD_CREDENTIALS, FailureKind.BAD_CHANNEL_BINDING)


class SignIn:
    """One for the process."""

    def __init__(
        self,
        live: Live,
        accounts: Accounts,
        clock: Clock = SYSTEM,
        parameters: Parameters = STRONG,
        record: Callable[[SignInAttempt], None] = lambda attempt: None,
    ) -> None:
        """`parameters` are those that passwords are stored with; `record` is called with each attempt."""
        self.keys: ClientKeys | None = None  # None: nobody signs in with a key
        self.live = live
        self.accounts = accounts
        self.clock = clock
        self.parameters = parameters
        self.record = record
        self.verifier = Verifier(clock)
        self.failures = RateLimit(FAILED_SIGN_INS, clock)
        self.decoy_hash = credentials.unmatched_hash(parameters)
        self._decoy_key = os.urandom(32)

    def close(self) -> None:
        """Let go of the threads."""
        self.verifier.close()

    def mechanisms(self, context: SignInContext) -> tuple[str, ...]:
        """The mechanisms to announce; none where signing in needs TLS first."""
        if context.tls is None and context.passwords_need_tls:
            return ()
        has_certificate = bool(context.client_certificate) and self.keys is not None
        return tuple(mechanism.value for mechanism in servers.offered(context.tls, has_certificate))

    def allows(self, remote: IpAddress) -> bool:
        """Whether the network of a peer may still fail to sign in."""
        return self.failures.allows(remote)

    async def verify(self, remote: IpAddress, user: str, password: str, encoded: str) -> FailureKind | None:
        """Check a password against a stored hash, and count a wrong one; None when it is right.

        The limit is asked again when the answer is known: of any number of guesses at the same time, no more are
        answered than of guesses one after the other.
        """
        if not self.failures.allows(remote):
            return FailureKind.RATE_LIMITED
        is_right = await self.verifier.check(user, password, encoded)
        if not self.failures.allows(remote):
            self.verifier.forget(user, password, encoded)
            return FailureKind.RATE_LIMITED
        if not is_right:
            self.failures.add(remote)
        return None if is_right else FailureKind.BAD_CREDENTIALS

    async def client_key(self, context: SignInContext) -> ClientKey | None:
        """The registered key of the certificate that the client showed."""
        if self.keys is None or not (fingerprint := fingerprint_of(context.client_certificate)):
            return None
        return await self.keys.find(fingerprint)

    async def by_key(self, context: SignInContext) -> SignedIn | None:
        """Who it is by the client's key alone, when that is registered and may do so; recorded like an exchange."""
        try:
            key = await self.client_key(context)
        except (MailError, OSError) as error:
            _LOG.error("cannot look for a client key", protocol=context.protocol, error=error)
            return None
        if key is None or key.no_imap_preauth:
            return None
        result = await self.begin("EXTERNAL", context).step(b"")
        return result if isinstance(result, SignedIn) else None

    def begin(self, mechanism: str, context: SignInContext) -> Exchange:
        """An exchange; whether it can be is told by its first step."""
        return Exchange(self, mechanism, context)

    def decoy_secret(self, mechanism: Mechanism, authcid: str) -> Secret:
        """What an unknown user's secret might be; the same salt each time it is asked."""
        if mechanism is Mechanism.CRAM_MD5:
            return CramSecret(os.urandom(16), os.urandom(16))
        is_sha1 = mechanism.hash_name == "sha1"
        count = self.parameters.scram_sha1_iterations if is_sha1 else self.parameters.scram_sha256_iterations
        text = f"{mechanism.hash_name} {authcid}".encode("utf-8", "surrogatepass")
        salt = hmac.digest(self._decoy_key, text, "sha256")[: credentials.SALT_BYTES]
        size = hashlib.new(mechanism.hash_name).digest_size
        return ScramSecret(salt, count, os.urandom(size), os.urandom(size))


class Exchange:
    """One attempt to sign in."""

    __slots__ = (
        "_authcid",
        "_client_key",
        "_destined",
        "_is_over",
        "_machine",
        "_mechanism",
        "context",
        "mechanism_name",
        "signin",
    )

    def __init__(self, signin: SignIn, mechanism: str, context: SignInContext) -> None:
        self.signin = signin
        self.context = context
        self.mechanism_name = mechanism.upper()
        self._mechanism = servers.find_mechanism(mechanism)
        self._authcid = ""
        self._destined: Destined | None = None
        self._client_key = ""
        self._is_over = False
        challenge = f"<{token(12)}.{int(signin.clock.now())}@{signin.live.static.hostname.ascii}>"
        wanted = self._mechanism or Mechanism.PLAIN
        self._machine = servers.begin(wanted, context.tls, challenge.encode())

    async def step(self, data: bytes | None) -> Challenge | SignedIn | Failed:
        """Take what the client sent, out of its base64; None for no initial response."""
        if self._is_over:
            raise RuntimeError("the exchange is over")
        if (obstacle := self._obstacle()) is not None:
            return self._fail(obstacle)
        if self._authcid and not self.signin.failures.allows(self.context.remote):  # a proof, judged at once
            return self._fail(FailureKind.RATE_LIMITED)
        try:
            return await self._advance(self._machine.step(data))
        except WireError as error:
            return self._fail(FailureKind.SYNTAX, error.message)
        except (Temporary, StoreError, OSError) as error:
            _LOG.error("cannot check a sign-in", protocol=self.context.protocol, error=error)
            return self._fail(FailureKind.TEMPORARY)

    def abort(self) -> Failed:
        """The client gives up."""
        return self._fail(FailureKind.ABORTED)

    def _obstacle(self) -> FailureKind | None:
        names = self.signin.mechanisms(self.context)
        if self.context.tls is None and self.context.passwords_need_tls:
            return FailureKind.NEEDS_TLS
        if self._mechanism is None or self._mechanism.value not in names:
            return FailureKind.MECHANISM_UNKNOWN
        return None

    async def _advance(self, step: Step) -> Challenge | SignedIn | Failed:
        if isinstance(step, Challenge):
            return step
        if isinstance(step, NeedSecret):
            return await self._find_secret(step.authcid)
        if isinstance(step, CheckPassword):
            return await self._check_password(step)
        if isinstance(step, Accepted):
            return self._succeed()
        if isinstance(step, CheckCertificate):
            return await self._check_certificate(step.authzid)
        return self._fail(_KINDS[step.reason])

    async def _find_secret(self, authcid: str) -> Challenge | SignedIn | Failed:
        known = await self._find(authcid)
        if not self.signin.failures.allows(self.context.remote):
            return self._fail(FailureKind.RATE_LIMITED)
        assert self._mechanism is not None
        secret: Secret | None = None
        if known is not None:
            is_cram = self._mechanism is Mechanism.CRAM_MD5
            secret = known.cram_md5 if is_cram else known.scram.get(self._mechanism.hash_name)
        if secret is None:
            self._destined = None
            secret = self.signin.decoy_secret(self._mechanism, authcid)
        return await self._advance(self._machine.provide(secret))

    async def _check_password(self, step: CheckPassword) -> SignedIn | Failed:
        known = await self._find(step.authcid)
        encoded = known.argon2id if known is not None else self.signin.decoy_hash
        verdict = self.signin.verifier.recall(step.authcid, step.password, encoded)
        if verdict is Verdict.WRONG:
            return self._fail(FailureKind.BAD_CREDENTIALS, is_counted=False)
        if verdict is None:
            kind = await self.signin.verify(self.context.remote, step.authcid, step.password, encoded)
            if kind is not None:
                return self._fail(kind, is_counted=False)
        return self._succeed()

    async def _check_certificate(self, authzid: str) -> SignedIn | Failed:
        """The client's key stands for an address; it may name any other of the same account (RFC 4422 §3.4.1)."""
        key = await self.signin.client_key(self.context)
        if key is None:
            return self._fail(FailureKind.BAD_CREDENTIALS, "the key of your certificate is not registered here")
        self._client_key = key.fingerprint
        self._authcid = authzid or key.login_address
        self._destined = self.signin.live.directory.login_account(self._authcid)
        if self._destined is None or self._destined.account_name != key.account:
            self._destined = None
            return self._fail(FailureKind.BAD_CREDENTIALS, "the key of your certificate is for another address")
        return self._succeed()

    async def _find(self, authcid: str) -> Credentials | None:
        """The credentials of the account with this address."""
        self._authcid = authcid
        self._destined = self.signin.live.directory.login_account(authcid)
        if self._destined is None:
            return None
        account = await self.signin.accounts.open(self._destined.account_name)
        return await account.read(credentials.load)

    def _succeed(self) -> SignedIn | Failed:
        if self._destined is None:  # a decoy cannot be proven; this is for the day that it can
            return self._fail(FailureKind.BAD_CREDENTIALS)
        if disabled := self._destined.account.login_disabled:
            return self._fail(FailureKind.LOGIN_DISABLED, disabled)
        self._finish("ok")
        return SignedIn(self._destined.account_name, self._authcid)

    def _fail(self, kind: FailureKind, text: str = "", is_counted: bool = True) -> Failed:
        if is_counted and kind in _COUNTED:
            self.signin.failures.add(self.context.remote)
        self._finish(kind.value)
        return Failed(kind, text or _TEXTS[kind])

    def _finish(self, result: str) -> None:
        self._is_over = True
        account_name = self._destined.account_name if self._destined else ""
        mechanism = self._mechanism.value if self._mechanism else "other"
        _ATTEMPTS.labels(self.context.protocol, mechanism.lower(), result).inc()
        if result == FailureKind.RATE_LIMITED.value:
            _LIMITED.labels(self.context.protocol).inc()
        attempt = SignInAttempt(
            context=self.context,
            mechanism=mechanism,
            login_address=self._authcid,
            account_name=account_name,
            result=result,
            client_key=self._client_key,
        )
        _LOG.info(
            "sign-in",
            protocol=self.context.protocol,
            remote=self.context.remote,
            mechanism=mechanism,
            account=account_name or None,
            result=result,
        )
        self.signin.record(attempt)
