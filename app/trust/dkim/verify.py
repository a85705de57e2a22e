"""Verify the signatures of a message (RFC 6376 §6).

    results = await verify(message, resolver, now=int(clock.now()), authors=[domain of From])

The keys are fetched first, at the same time, those of the From domain before others; then dkimpy forms and hashes the
header, on `cryptography`'s arithmetic, and the body is hashed once for each form that a signature needs. At most
MAX_SIGNATURES are looked at, so that 100 of them cost no more than five; a long message is hashed in a thread.

Never raises for what is in the message or in DNS: every signature has a result with its reason in words.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.metrics import counter
from app.trust.dkim.record import KeyRecord, choose_key
from app.trust.dkim.result import SignatureResult, Status, Unusable
from app.trust.dkim.signature import Signature, describe, parse_signature, shown
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain
from app.wire.message.header import field_name, raw_fields

MAX_SIGNATURES: Final = 5
MAX_SEEN: Final = 100  # signatures among which those of the author are looked for
MAX_HEADER: Final = 512 * 1024
IN_THREAD: Final = 64 * 1024
LATE_S: Final = 3600  # how long after x= a signature still counts: clocks differ
EARLY_S: Final = 24 * 3600  # how far in the future t= may be: clocks and their time zones differ

_results = counter("dkim_verify_total", "DKIM signatures looked at.", ("result",))


@dataclass(frozen=True, slots=True)
class _Found:
    """A field, and its signature or why there is none."""

    value: bytes
    signature: Signature | None
    fault: Unusable | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    """The key of a signature, or why there is none."""

    record: KeyRecord | None
    is_authentic: bool = False
    fault: Unusable | None = None


async def verify(
    message: bytes, resolver: Resolver, *, now: int, authors: Sequence[Domain] = ()
) -> tuple[SignatureResult, ...]:
    """A result for each signature looked at, in the order of the message; empty when it is not signed."""
    header, body = split_message(message)
    found = _choose(header, authors)
    if not found:
        return ()
    names = list(dict.fromkeys(one.signature.key_name for one in found if one.signature))
    keys = dict(zip(names, await asyncio.gather(*(_fetch(name, resolver) for name in names)), strict=True))
    work = _Work(header, body, now)
    if len(message) > IN_THREAD:
        results = await asyncio.to_thread(work.results, found, keys)
    else:
        results = work.results(found, keys)
    for result in results:
        _results.labels(result.status.value).inc()
    return results


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Header section and body; the line between them belongs to neither."""
    end = message.find(b"\r\n\r\n")
    return (message, b"") if end < 0 else (message[: end + 2], message[end + 4 :])


def _choose(header: bytes, authors: Sequence[Domain]) -> list[_Found]:
    """The signatures to look at: those of the authors' domains first, and then from the top."""
    values = [raw[raw.find(b":") + 1 :] for raw in raw_fields(header) if field_name(raw) == b"dkim-signature"]
    if len(values) > MAX_SIGNATURES:
        near = [index for index, value in enumerate(values[:MAX_SEEN]) if _is_near(value, authors)]
        chosen = sorted(list(dict.fromkeys((*near, *range(MAX_SIGNATURES))))[:MAX_SIGNATURES])
        values = [values[index] for index in chosen]
    return [_read(value) for value in values]


def _is_near(value: bytes, authors: Sequence[Domain]) -> bool:
    """Whether the signature may be aligned with an author."""
    domain = describe(value, Unusable("")).domain
    return domain is not None and any(a.is_subdomain_of(domain) or domain.is_subdomain_of(a) for a in authors)


def _read(value: bytes) -> _Found:
    try:
        return _Found(value, parse_signature(value))
    except Unusable as fault:
        return _Found(value, None, fault)


async def _fetch(name: str, resolver: Resolver) -> _Key:
    try:
        answer = await resolver.txt(name)
    except LookupFailed as err:
        return _Key(None, fault=Unusable(f"the key cannot be looked up now: {err.reason}", Status.TEMPERROR))
    if not answer.records:
        return _Key(None, answer.authentic, Unusable(f"there is no key at {name}"))
    try:
        return _Key(choose_key(answer.records[:10]), answer.authentic)
    except Unusable as fault:
        return _Key(None, answer.authentic, fault)


class _Work:
    """One message: its fields taken apart once, its body hashed once for each form."""

    def __init__(self, header: bytes, body: bytes, now: int) -> None:
        self._header = header
        self._body = body
        self._now = now
        self._fields: list[tuple[bytes, bytes]] = []
        self._hashes: dict[bool, tuple[bytes, int]] = {}

    def results(self, found: Sequence[_Found], keys: dict[str, _Key]) -> tuple[SignatureResult, ...]:
        """The results, in order."""
        return tuple(self._result(one, keys) for one in found)

    def _result(self, found: _Found, keys: dict[str, _Key]) -> SignatureResult:
        signature = found.signature
        if signature is None:
            return describe(found.value, found.fault or Unusable("the signature cannot be read"))
        key = keys[signature.key_name]
        status, reason = Status.PASS, ""
        try:
            self._check(signature, key, found.value)
        except Unusable as fault:
            status, reason = fault.status, fault.reason
        record = key.record
        if record is not None and record.is_testing and status is Status.FAIL:
            status, reason = Status.NEUTRAL, f"{reason}; the signer only tries DKIM out (t=y)"
        return SignatureResult(
            status=status,
            reason=reason,
            domain=signature.domain,
            selector=signature.selector.ascii,
            identity=signature.identity,
            algorithm=signature.algorithm,
            signature=shown(signature.signature),
            key_bits=record.bits if record else 0,
            is_authentic=key.is_authentic,
            is_testing=record is not None and record.is_testing,
            services=record.services if record else ("*",),
        )

    def _check(self, signature: Signature, key: _Key, value: bytes) -> None:
        """Returns when the signature is right."""
        if key.record is None:
            raise key.fault or Unusable("there is no key")
        _check_key(signature, key.record)
        self._check_times(signature)
        if len(self._header) > MAX_HEADER:
            raise Unusable(f"the header of the message is longer than {MAX_HEADER // 1024} KiB", Status.POLICY)
        self._check_body(signature)
        if not self._is_header_signed(signature, key.record, value):
            raise Unusable("the header is not as it was signed, or the key is another", Status.FAIL)
        _check_cover(signature)

    def _check_times(self, signature: Signature) -> None:
        if signature.expires_at is not None and signature.expires_at + LATE_S < self._now:
            raise Unusable("the signature has expired", Status.FAIL)
        if signature.signed_at is not None and signature.signed_at - EARLY_S > self._now:
            raise Unusable("the signature says that it was made in the future", Status.POLICY)

    def _check_body(self, signature: Signature) -> None:
        digest, length = self._body_hash(relaxed=signature.relaxed_body)
        if signature.length is not None and signature.length > length:
            raise Unusable("the body is shorter than when it was signed", Status.FAIL)
        if signature.length is not None and signature.length < length:
            raise Unusable(f"only {signature.length} of {length} bytes of the body are signed (l=)", Status.POLICY)
        if digest != signature.body_hash:
            raise Unusable("the body is not as it was signed", Status.FAIL)

    def _body_hash(self, *, relaxed: bool) -> tuple[bytes, int]:
        if relaxed not in self._hashes:
            from app.trust.dkim import engine

            body = engine.relaxed_body(self._body) if relaxed else engine.simple_body(self._body)
            self._hashes[relaxed] = hashlib.sha256(body).digest(), len(body)
        return self._hashes[relaxed]

    def _is_header_signed(self, signature: Signature, key: KeyRecord, value: bytes) -> bool:
        from app.trust.dkim import engine

        wanted = frozenset(signature.names)
        task: Any = engine.DKIM(minkey=0)
        task.headers = [field for field in self._all_fields() if field[0].lower() in wanted]
        task.pk, task.keysize, task.ktag = key.public, key.bits, key.kind.encode()
        tags = {
            b"a": signature.algorithm.encode(),
            b"b": signature.signature.encode(),
            b"c": signature.canonicalisation.encode(),
        }
        try:
            verdict = task.verify_sig_process(tags, list(signature.names), (b"DKIM-Signature", _ended(value)), None)
        except engine.DKIMException:
            return False
        return bool(verdict)

    def _all_fields(self) -> list[tuple[bytes, bytes]]:
        """Name and value of each field as dkimpy keeps them: simple form needs their case and blanks."""
        if not self._fields:
            parts = (raw.partition(b":") for raw in raw_fields(self._header))
            self._fields = [(name, _ended(value)) for name, colon, value in parts if colon]
        return self._fields


def _ended(value: bytes) -> bytes:
    return value if value.endswith(b"\n") else value + b"\r\n"


def _check_key(signature: Signature, key: KeyRecord) -> None:
    """What the key says about its use (RFC 6376 §3.6.1)."""
    kind, _, digest = signature.algorithm.partition("-")
    if key.kind != kind:
        raise Unusable(f"the signature is made with {kind}, the key is for {key.kind}")
    if key.hashes and digest not in key.hashes:
        raise Unusable(f"the key may not be used with {digest}")
    if not {"*", "email", "tlsrpt"} & set(key.services):
        raise Unusable("the key is not for mail")
    if key.is_strict and signature.identity_domain != signature.domain:
        raise Unusable("the key is not for domains below its own, and i= is one")


def _check_cover(signature: Signature) -> None:
    """A signature under which the message could say something else does not count."""
    if b"subject" not in signature.names:
        raise Unusable("the signature does not cover the Subject field", Status.POLICY)
