"""The Received-SPF field, which tells later programs what SPF said (RFC 7208 §9.1).

    Received-SPF: pass (mx.example: example.org lets 192.0.2.1 send for it) receiver=mx.example; client-ip=192.0.2.1;
        envelope-from="a@example.org"; helo=mail.example.org; identity=mailfrom; mechanism="ip4:192.0.2.0/24"

Nothing from outside can end the comment, a value or the line: values that are not plain words are quoted strings.
"""

from __future__ import annotations

import re
from typing import Final

from app.trust.spf.result import SpfIdentity, SpfResult, SpfStatus
from app.wire.message.compose import fold

MAX_VALUE: Final = 320

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def write_received_spf(identity: SpfIdentity, result: SpfResult) -> bytes:
    """The field with its final line end."""
    said = _comment(
        f"{identity.hostname}: {result.words(identity.ip)}" if identity.hostname else result.words(identity.ip)
    )
    pairs = {
        "receiver": identity.hostname,
        "client-ip": str(identity.ip),
        "envelope-from": identity.mail_from.wire,
        "helo": identity.helo,
        "identity": "helo" if result.is_helo else "mailfrom",
        "mechanism": result.mechanism,
        "problem": result.problem if result.status in (SpfStatus.TEMPERROR, SpfStatus.PERMERROR) else "",
    }
    # RFC 7208 §9.1 wants these three always, as they let others repeat the check.
    always = ("client-ip", "envelope-from", "helo")
    written = [f"{key}={_value(value)}" for key, value in pairs.items() if value or key in always]
    return fold("Received-SPF", f"{result.status.value} ({said}) {'; '.join(written)}")


def _value(text: str) -> str:
    """A dot-atom or a quoted string."""
    text = _CONTROL.sub("?", text[:MAX_VALUE])
    if _DOT_ATOM.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str) -> str:
    """What stands between round brackets."""
    return re.sub(r"([()\\])", r"\\\1", _CONTROL.sub("?", text[: 2 * MAX_VALUE]))
