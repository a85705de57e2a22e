"""What authorities say when they give no certificate, in words with what to do next.

Errors have types (RFC 8555 §6.7); the words that come with them are kept, as they name addresses and names.
"""

from __future__ import annotations

import datetime
import re
from typing import Final

from app.errors import MailError

MAX_WORDS: Final = 600
PREFIX: Final = "urn:ietf:params:acme:error:"
_RETRY = re.compile(r"retry[ -]after:? (\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})", re.IGNORECASE)

_ADVICE: Final = {
    "dns": "The authority found no address for the name. Publish A and AAAA records that lead here.",
    "connection": "The authority could not connect. Ports 80 and 443 must be open from everywhere, on each address "
    "that DNS has for the name, IPv6 included.",
    "unauthorized": "Another server answered for the name, or ours was not reached. Check that its A and AAAA records "
    "lead here, and that nothing in front changes requests.",
    "tls": "The check on port 443 failed. Something in front of us may end the encryption itself.",
    "caa": "A CAA record in DNS forbids this authority to issue. Add it there, or remove the record.",
    "rateLimited": "The authority has given out too many lately. It is tried again later by itself.",
    "rejectedIdentifier": "The authority does not issue for this name.",
    "externalAccountRequired": "The authority wants an account made before. Set ExternalAccountBinding in mox.conf.",
    "accountDoesNotExist": "The authority does not know our account any more. Move its key file below data/acme "
    "away, and a new account is made.",
    "unsupportedContact": "The authority does not take ContactEmail of mox.conf.",
    "invalidContact": "The authority does not take ContactEmail of mox.conf.",
    "userActionRequired": "The authority wants you to agree to new terms on its web site.",
    "serverInternal": "The authority has trouble of its own. It is tried again later by itself.",
    "malformed": "The authority did not understand us; please report this.",
}


class NotIssued(MailError):
    """No certificate; `not_before` is when the authority may be asked again, in seconds since 1970, 0 for any time."""

    def __init__(self, words: str, not_before: float = 0.0) -> None:
        super().__init__(printable(words))
        self.not_before = not_before


def explain(kind: str, detail: str) -> NotIssued:
    """An error of an authority."""
    short = kind.removeprefix(PREFIX)
    if short == "unauthorized" and "connect" in detail.lower():  # some do not tell the two apart
        short = "connection"
    advice = _ADVICE.get(short, "")
    said = f'It said: "{detail}"' if detail else ""
    return NotIssued(" ".join(filter(None, (advice, said))) or f"the authority refused: {short}", _retry_time(detail))


def connection_fault(about: str, error: Exception) -> NotIssued:
    """The authority itself cannot be reached."""
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", cause)
    return NotIssued(f"The authority cannot be reached ({about}): {reason}")


def _retry_time(detail: str) -> float:
    """When the authority says it may be asked again; Let's Encrypt writes it into the words."""
    match = _RETRY.search(detail)
    if match is None:
        return 0.0
    try:
        when = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        return 0.0
    return when.timestamp()


def printable(text: str) -> str:
    """On one line, without what could garble a page or a terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_WORDS])
