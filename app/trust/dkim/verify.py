"""Verify the signatures of a message (RFC 6376 §6).

    results = await verify(message, resolver, now=int(clock.now()), authors=[domain of From])

The keys are fetched first, at the same time, those of the From domain before others; then dkimpy forms and hashes the
header, on `cryptography`'s arithmetic, and the body is hashed once for each form that a signature needs. At most
MAX_SIGNATURES are looked at, so that 100 of them cost no more than five; a long message is hashed in a thread.

Never raises for what is in the message or in DNS: every signature has a result with its reason in words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.metrics import counter
from app.trust.dkim.content import Claim, Content, split_message
from app.trust.dkim.fetch import Key, fetch_keys
from app.trust.dkim.result import SignatureResult, Status, Unusable
from app.trust.dkim.signature import Signature, describe, parse_signature, shown
from app.trust.lookup import Resolver
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

    name: bytes  # as written, as the simple form keeps it
    value: bytes
    signature: Signature | None
    fault: Unusable | None = None


async def verify(
    message: bytes, resolver: Resolver, *, now: int, authors: Sequence[Domain] = ()
) -> tuple[SignatureResult, ...]:
    """A result for each signature looked at, in the order of the message; empty when it is not signed."""
    header, body = split_message(message)
    found = _choose(header, authors)
    if not found:
        return ()
    keys = await fetch_keys((one.signature.key_name for one in found if one.signature), resolver)
    work = _Work(Content(header, body), now)
    if len(message) > IN_THREAD:
        results = await asyncio.to_thread(work.results, found, keys)
    else:
        results = work.results(found, keys)
    for result in results:
        _results.labels(result.status.value).inc()
    return results


def _choose(header: bytes, authors: Sequence[Domain]) -> list[_Found]:
    """The signatures to look at: those of the authors' domains first, and then from the top."""
    parts = [raw.partition(b":") for raw in raw_fields(header) if field_name(raw) == b"dkim-signature"]
    if len(parts) > MAX_SIGNATURES:
        near = [index for index, (_, _, value) in enumerate(parts[:MAX_SEEN]) if _is_near(value, authors)]
        chosen = sorted(list(dict.fromkeys((*near, *range(MAX_SIGNATURES))))[:MAX_SIGNATURES])
        parts = [parts[index] for index in chosen]
    return [_read(name, value) for name, _, value in parts]


def _is_near(value: bytes, authors: Sequence[Domain]) -> bool:
    """Whether the signature may be aligned with an author."""
    domain = describe(value, Unusable("")).domain
    return domain is not None and any(a.is_subdomain_of(domain) or domain.is_subdomain_of(a) for a in authors)


def _read(name: bytes, value: bytes) -> _Found:
    try:
        return _Found(name, value, parse_signature(value))
    except Unusable as fault:
        return _Found(name, value, None, fault)


class _Work:
    """The signatures of one message, when their keys are there."""

    def __init__(self, content: Content, now: int) -> None:
        self._content = content
        self._now = now

    def results(self, found: Sequence[_Found], keys: dict[str, Key]) -> tuple[SignatureResult, ...]:
        """The results, in order."""
        return tuple(self._result(one, keys) for one in found)

    def _result(self, found: _Found, keys: dict[str, Key]) -> SignatureResult:
        signature = found.signature
        if signature is None:
            return describe(found.value, found.fault or Unusable("the signature cannot be read"))
        key = keys[signature.key_name]
        status, reason = Status.PASS, ""
        try:
            self._check(signature, key, found)
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

    def _check(self, signature: Signature, key: Key, found: _Found) -> None:
        """Returns when the signature is right."""
        record = key.for_signature(signature)
        self._check_times(signature)
        if len(self._content.header) > MAX_HEADER:
            raise Unusable(f"the header of the message is longer than {MAX_HEADER // 1024} KiB", Status.POLICY)
        self._check_body(signature)
        claim = Claim(
            field=(found.name, found.value),
            names=signature.names,
            algorithm=signature.algorithm,
            signature=signature.signature,
            relaxed=signature.relaxed_header,
        )
        if not self._content.is_signed(claim, record):
            raise Unusable("the header is not as it was signed, or the key is another", Status.FAIL)
        _check_cover(signature)

    def _check_times(self, signature: Signature) -> None:
        if signature.expires_at is not None and signature.expires_at + LATE_S < self._now:
            raise Unusable("the signature has expired", Status.FAIL)
        if signature.signed_at is not None and signature.signed_at - EARLY_S > self._now:
            raise Unusable("the signature says that it was made in the future", Status.POLICY)

    def _check_body(self, signature: Signature) -> None:
        digest, length = self._content.body_hash(relaxed=signature.relaxed_body)
        if signature.length is not None and signature.length > length:
            raise Unusable("the body is shorter than when it was signed", Status.FAIL)
        if signature.length is not None and signature.length < length:
            raise Unusable(f"only {signature.length} of {length} bytes of the body are signed (l=)", Status.POLICY)
        if digest != signature.body_hash:
            raise Unusable("the body is not as it was signed", Status.FAIL)


def _check_cover(signature: Signature) -> None:
    """A signature under which the message could say something else does not count."""
    if b"subject" not in signature.names:
        raise Unusable("the signature does not cover the Subject field", Status.POLICY)
