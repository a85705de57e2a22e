"""DKIM results as they stand in Authentication-Results (RFC 8601 §2.7.1, RFC 6008 §4)."""

from __future__ import annotations

from app.trust.dkim.result import SignatureResult
from app.wire.message.authresults import MethodResult, Property


def method_result(one: SignatureResult) -> MethodResult:
    """A signature's result with the tags that tell it from others."""
    properties = {
        "d": one.domain.ascii if one.domain else "",
        "s": one.selector,
        "a": one.algorithm,
        "b": one.signature,
        "i": one.identity,
    }
    notes = [f"{one.key_bits} bits"] * bool(one.key_bits) + ["testing"] * one.is_testing
    notes.append("with dnssec" if one.is_authentic else "without dnssec")
    return MethodResult(
        method="dkim",
        result=one.status.value,
        comment=", ".join(notes),
        reason=one.reason,
        properties=tuple(Property("header", name, value) for name, value in properties.items() if value),
    )


def method_results(results: tuple[SignatureResult, ...]) -> tuple[MethodResult, ...]:
    """The results of a message; `dkim=none` when it is not signed."""
    return tuple(map(method_result, results)) or (MethodResult(method="dkim", result="none"),)
