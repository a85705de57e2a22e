"""Seals what we have found out about a message that we pass on (RFC 8617 §5.1).

    fields = seal(message, selector, results=b"mx.example.org; spf=pass ...", chain=ArcStatus.PASS, now=...)
    passed_on = fields + message

The next server can then believe that the message was authentic when it came to us. The set stands above those of
earlier servers. A chain that is broken, unknown or too long gets no set of ours: it would not be believed. Raises
CannotSign when the header is too broken to sign. For more than 64 KiB call it in a thread.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from app.trust.arc import MAX_INSTANCES, ORDER, ArcSet, ArcStatus, read_sets
from app.trust.dkim.content import split_message
from app.trust.dkim.result import Unusable
from app.trust.dkim.sign import CannotSign, Selector
from app.wire.message.compose import fold

SIGNED: Final = frozenset(
    b"from to cc subject date reply-to message-id in-reply-to references mime-version content-type "
    b"content-transfer-encoding list-id list-post list-unsubscribe list-unsubscribe-post dkim-signature".split()
)
_RELAXED = b"relaxed/relaxed"
_PLACEHOLDER = (b"b", b"0" * 60)  # dkimpy puts b= onto a line of its own


def seal(message: bytes, selector: Selector, *, results: str, chain: ArcStatus, now: int) -> bytes:
    """The three fields of a set, or b"" when the chain is not to be continued. `results` is a value of
    Authentication-Results; `chain` is what the chain that came with the message is worth.
    """
    header, _ = split_message(message)
    try:
        sets = read_sets(header)
    except Unusable:
        return b""
    if len(sets) >= MAX_INSTANCES or chain is not (ArcStatus.PASS if sets else ArcStatus.NONE):
        return b""
    return _Sealing(message, selector, now, sets).fields(results)


class _Sealing:
    """One set in the making."""

    def __init__(self, message: bytes, selector: Selector, now: int, sets: list[ArcSet]) -> None:
        from app.trust.dkim import engine

        self._engine = engine
        self._selector = selector
        self._now = now
        self._sets = sets
        self._policy = engine.CanonicalizationPolicy.from_c_value(_RELAXED)
        try:
            self._signer = engine.DKIM(message)
        except (engine.DKIMException, IndexError) as error:
            raise CannotSign(f"header cannot be sealed: {error or 'it starts with a continuation line'}") from None
        self._signer.signature_algorithm = selector.key.algorithm.encode()
        self._signer.hasher = hashlib.sha256

    def fields(self, results: str) -> bytes:
        """The set as it stands in front of the message."""
        number = len(self._sets) + 1
        name, _, value = fold("ARC-Authentication-Results", f"i={number}; {results}").partition(b":")
        seen = (name, value)
        message = (b"ARC-Message-Signature", b" " + self._message_signature(number))
        earlier = [one.fields[kind] for one in self._sets for kind in ORDER]
        sealed = (b"ARC-Seal", b" " + self._seal(number, [*earlier, seen, message]))
        return b"".join(name + b":" + value for name, value in (sealed, message, seen))

    def _message_signature(self, number: int) -> bytes:
        names = [name.lower() for name, _ in self._signer.headers if name.lower() in SIGNED]
        body = self._engine.relaxed_body(self._signer.body)
        digest = base64.b64encode(hashlib.sha256(body).digest())
        own = [(b"c", _RELAXED), (b"h", b": ".join(names)), (b"bh", digest)]
        return self._signed(number, own, names, b"ARC-Message-Signature")

    def _seal(self, number: int, sets: list[tuple[bytes, bytes]]) -> bytes:
        """Over all sets in order, ours with its seal last (RFC 8617 §5.1.1); dkimpy takes fields from the end."""
        self._signer.headers = sets[::-1]
        names = [name.strip().lower() for name, _ in sets]
        return self._signed(number, [(b"cv", b"pass" if self._sets else b"none")], names, b"ARC-Seal")

    def _signed(self, number: int, own: list[tuple[bytes, bytes]], names: list[bytes], field: bytes) -> bytes:
        tags = [
            (b"i", b"%d" % number),
            (b"a", self._selector.key.algorithm.encode()),
            (b"d", self._selector.domain.ascii.encode()),
            (b"s", self._selector.name.encode()),
            (b"t", b"%d" % self._now),
            *own,
            _PLACEHOLDER,
        ]
        key: Any = self._selector.key.private
        value: bytes = self._signer.gen_header(tags, names, self._policy, field, key)
        return value
