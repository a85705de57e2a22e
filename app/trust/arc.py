"""ARC: what servers on the way have found out about a message, each sealing it for the next (RFC 8617).

A mailing list or forwarder changes the message, and the author's signature breaks; its ARC set tells what it saw
before, and seals all sets up to its own. `check_arc` says whether the chain holds, and, when the last sealers are
trusted by the receiver, what the first of those has seen: those results may be believed instead of our own. Without
trust a chain means nothing, as anybody can make one.

Never raises. At most MAX_INSTANCES sets are followed, fewer than the RFC's 50.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.errors import MessageSyntaxError
from app.metrics import counter
from app.trust.dkim.content import Claim, Content, is_signed, split_message
from app.trust.dkim.fetch import Key, fetch_keys
from app.trust.dkim.record import KeyRecord
from app.trust.dkim.result import Status, Unusable
from app.trust.dkim.signature import Signature, read_signature, signature_of
from app.trust.dkim.verify import IN_THREAD, MAX_HEADER
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.message.authresults import AuthenticationResults, MethodResult, parse_results
from app.wire.message.header import field_name, raw_fields, unfold

MAX_INSTANCES: Final = 10

_RESULTS, _MESSAGE, _SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
ORDER: Final = (_RESULTS, _MESSAGE, _SEAL)  # of sealing, within a set (RFC 8617 §5.1.1)
_INSTANCE = re.compile(r"i\s*=\s*([0-9]{1,3})\s*;\s*")
_NOT_IN_SEAL: Final = {"h": "from", "bh": "AA=="}  # what a seal must not have, for the reader of signatures

_results = counter("arc_verify_total", "ARC chains looked at.", ("result",))


class ArcStatus(Enum):
    """The state of the chain (RFC 8617 §4.4)."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcResult:
    """What a chain is worth."""

    status: ArcStatus
    words: str  # for people
    sealers: tuple[Domain, ...] = ()  # d= of the seals, the first one first
    oldest_pass: int = 0  # first instance since which the message was not changed; 0 when it never was
    trusted: Domain | None = None  # the first of the last sealers, all of which are trusted
    believed: AuthenticationResults | None = None  # what that one has seen

    def method_result(self) -> MethodResult:
        """As it stands in Authentication-Results."""
        reason = "" if self.status in (ArcStatus.PASS, ArcStatus.NONE) else self.words
        return MethodResult(method="arc", result=self.status.value, reason=reason)


_Parts = dict[bytes, tuple[bytes, bytes]]  # the fields of a set: by kind, name and value as written


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One instance: its three fields, and what two of them sign with."""

    fields: _Parts
    message: Signature
    seal: Signature


async def check_arc(message: bytes, resolver: Resolver, *, trusted: Collection[Domain] = ()) -> ArcResult:
    """The state of a message's chain; `trusted` are sealers (and names above them) that the receiver relies on."""
    result = await _check(message, resolver, trusted)
    _results.labels(result.status.value).inc()
    return result


async def _check(message: bytes, resolver: Resolver, trusted: Collection[Domain]) -> ArcResult:
    header, body = split_message(message)
    try:
        sets = read_sets(header)
        if not sets:
            return ArcResult(status=ArcStatus.NONE, words="nobody has sealed it on the way")
        keys = await fetch_keys(_key_names(sets), resolver)
        task = _Chain(Content(header, body), sets, keys)
        oldest = await asyncio.to_thread(task.verify) if len(message) > IN_THREAD else task.verify()
    except Unusable as fault:
        status = ArcStatus.TEMPERROR if fault.status is Status.TEMPERROR else ArcStatus.FAIL
        return ArcResult(status=status, words=fault.reason)
    sealers = tuple(one.seal.domain for one in sets)
    first = _first_trusted(sealers, trusted)
    words = f"sealed by {', '.join(map(str, sealers))}"
    return ArcResult(
        status=ArcStatus.PASS,
        words=words if first else f"{words}; the last is not among those relied on",
        sealers=sealers,
        oldest_pass=oldest,
        trusted=sealers[first - 1] if first else None,
        believed=_seen(sets[first - 1]) if first else None,
    )


def read_sets(header: bytes) -> list[ArcSet]:
    """The instances in order; raises Unusable for a chain with gaps, doubles or too many (RFC 8617 §5.2)."""
    raws = [raw for raw in raw_fields(header) if field_name(raw) in ORDER]
    if not raws:
        return []
    if len(raws) > 3 * MAX_INSTANCES:
        raise Unusable(f"the chain is longer than {MAX_INSTANCES} sets")
    if len(header) > MAX_HEADER:
        raise Unusable(f"the header of the message is longer than {MAX_HEADER // 1024} KiB")
    parts: list[_Parts] = [{} for _ in range(-(-len(raws) // 3))]
    for raw in raws:
        name, _, value = raw.partition(b":")
        kind = name.strip().lower()
        number = _instance(kind, value)
        if not 1 <= number <= len(parts) or kind in parts[number - 1]:
            raise Unusable("the chain has a set that is not whole, or one twice")
        parts[number - 1][kind] = (name, value)
    if len(raws) != 3 * len(parts):
        raise Unusable("the chain has a set that is not whole")
    return [_read_set(one, number) for number, one in enumerate(parts, 1)]


def _instance(kind: bytes, value: bytes) -> int:
    """The i= of a field."""
    if kind == _RESULTS:
        match = _INSTANCE.match(unfold(value))
        return int(match[1]) if match else 0
    text = read_signature(value).get("i", "")
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0


def _read_set(parts: _Parts, number: int) -> ArcSet:
    seal = read_signature(parts[_SEAL][1])
    chain = seal.get("cv", "").lower()
    if chain == "fail":
        raise Unusable(f"the chain had broken already when set {number} was made")
    if chain != ("none" if number == 1 else "pass"):
        raise Unusable(f"the seal of set {number} does not say what it must of those before")
    if set(_NOT_IN_SEAL) & set(seal):
        raise Unusable(f"the seal of set {number} has tags that it must not have")
    message = _signature(read_signature(parts[_MESSAGE][1]), number)
    if _SEAL in message.names:
        raise Unusable(f"the message signature of set {number} covers seals")
    return ArcSet(parts, message, _signature({**seal, **_NOT_IN_SEAL}, number))


def _signature(tags: dict[str, str], number: int) -> Signature:
    """ARC's i= is a number, and there is no v= (RFC 8617 §4.1.2, §4.1.3)."""
    try:
        return signature_of({**{name: value for name, value in tags.items() if name != "i"}, "v": "1"})
    except Unusable as fault:
        raise Unusable(f"set {number}: {fault.reason}", fault.status) from None


def _key_names(sets: Sequence[ArcSet]) -> list[str]:
    return [signature.key_name for one in sets for signature in (one.seal, one.message)]


class _Chain:
    """The sets of one message, when their keys are there."""

    def __init__(self, content: Content, sets: Sequence[ArcSet], keys: dict[str, Key]) -> None:
        self._content = content
        self._sets = sets
        self._keys = keys

    def verify(self) -> int:
        """The oldest instance that signs the message as it is, 0 for all of them; raises Unusable."""
        self._verify_message(len(self._sets))
        for number in range(len(self._sets), 0, -1):
            self._verify_seal(number)
        oldest = len(self._sets)
        while oldest > 1:
            try:
                self._verify_message(oldest - 1)
            except Unusable:
                return oldest
            oldest -= 1
        return 0

    def _verify_message(self, number: int) -> None:
        one = self._sets[number - 1]
        signature = one.message
        digest, length = self._content.body_hash(relaxed=signature.relaxed_body)
        if digest != signature.body_hash or signature.length not in (None, length):
            raise Unusable(f"the body is not as it was in set {number}")
        claim = _claim(signature, one.fields[_MESSAGE], signature.names)
        if not self._content.is_signed(claim, self._key(signature, number)):
            raise Unusable(f"the header is not as it was in set {number}")

    def _verify_seal(self, number: int) -> None:
        """A seal covers all sets up to its own in order, itself last (RFC 8617 §5.1.1)."""
        one = self._sets[number - 1]
        signature = one.seal
        order = [(kind, each.fields[kind]) for each in self._sets[:number] for kind in ORDER][:-1]
        claim = _claim(signature, one.fields[_SEAL], tuple(kind for kind, _ in order))
        if not is_signed([part for _, part in reversed(order)], claim, self._key(signature, number)):
            raise Unusable(f"the seal of set {number} is broken")

    def _key(self, signature: Signature, number: int) -> KeyRecord:
        try:
            return self._keys[signature.key_name].for_signature(signature)
        except Unusable as fault:
            raise Unusable(f"set {number}: {fault.reason}", fault.status) from None


def _claim(signature: Signature, stands_in: tuple[bytes, bytes], names: Sequence[bytes]) -> Claim:
    is_seal = stands_in[0].strip().lower() == _SEAL
    return Claim(
        field=stands_in,
        names=names,
        algorithm=signature.algorithm,
        signature=signature.signature,
        relaxed=is_seal or signature.relaxed_header,
    )


def _first_trusted(sealers: Sequence[Domain], trusted: Collection[Domain]) -> int:
    """The number of the first of the last sealers that are all trusted; 0 when the last one is not."""
    first = 0
    for number in range(len(sealers), 0, -1):
        if not any(sealers[number - 1].is_subdomain_of(one) for one in trusted):
            break
        first = number
    return first


def _seen(one: ArcSet) -> AuthenticationResults | None:
    """What the sealer of a set found out."""
    text = unfold(one.fields[_RESULTS][1])
    match = _INSTANCE.match(text)
    try:
        return parse_results(text[match.end() :]) if match else None
    except MessageSyntaxError:
        return None
