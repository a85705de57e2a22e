"""The DMARC verdict as it stands in Authentication-Results (RFC 7489 §11.2, RFC 8601 §2.7)."""

from __future__ import annotations

from app.trust.dmarc.evaluate import DmarcResult
from app.wire.message.authresults import MethodResult, Property


def method_result(one: DmarcResult) -> MethodResult:
    """The verdict, the author's domain and the policy."""
    notes = ["with dnssec" if one.is_authentic else "without dnssec"] if one.record_domain else []
    notes += [f"p={one.policy.value}"] if one.record else []
    author = (Property("header", "from", one.author.ascii),) if one.author else ()
    return MethodResult(
        method="dmarc",
        result=one.status.value,
        comment=", ".join(notes),
        reason="" if one.has_passed else one.words,
        properties=author,
    )
