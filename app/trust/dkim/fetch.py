"""Fetch the keys of signatures: all at the same time, each once, and say whether a key may be used for a signature."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from app.trust.dkim.record import KeyRecord, choose_key
from app.trust.dkim.result import Status, Unusable
from app.trust.dkim.signature import Signature
from app.trust.lookup import LookupFailed, Resolver

MAX_RECORDS = 10


@dataclass(frozen=True, slots=True)
class Key:
    """The key at a name, or why there is none."""

    record: KeyRecord | None
    is_authentic: bool = False
    fault: Unusable | None = None

    def for_signature(self, signature: Signature) -> KeyRecord:
        """The key, when it is for such a signature (RFC 6376 §3.6.1); raises Unusable."""
        if self.record is None:
            raise self.fault or Unusable("there is no key")
        _check(signature, self.record)
        return self.record


async def fetch_keys(names: Iterable[str], resolver: Resolver) -> dict[str, Key]:
    """The keys by the names they stand at."""
    once = list(dict.fromkeys(names))
    return dict(zip(once, await asyncio.gather(*(_fetch(name, resolver) for name in once)), strict=True))


async def _fetch(name: str, resolver: Resolver) -> Key:
    try:
        answer = await resolver.txt(name)
    except LookupFailed as err:
        return Key(None, fault=Unusable(f"the key cannot be looked up now: {err.reason}", Status.TEMPERROR))
    if not answer.records:
        return Key(None, answer.authentic, Unusable(f"there is no key at {name}"))
    try:
        return Key(choose_key(answer.records[:MAX_RECORDS]), answer.authentic)
    except Unusable as fault:
        return Key(None, answer.authentic, fault)


def _check(signature: Signature, key: KeyRecord) -> None:
    kind, _, digest = signature.algorithm.partition("-")
    if key.kind != kind:
        raise Unusable(f"the signature is made with {kind}, the key is for {key.kind}")
    if key.hashes and digest not in key.hashes:
        raise Unusable(f"the key may not be used with {digest}")
    if not {"*", "email", "tlsrpt"} & set(key.services):
        raise Unusable("the key is not for mail")
    if key.is_strict and signature.identity_domain != signature.domain:
        raise Unusable("the key is not for domains below its own, and i= is one")
