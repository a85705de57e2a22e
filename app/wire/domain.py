"""Domain names: the ASCII form that goes on the wire and the Unicode form that people read.

A `Domain` has been checked and is lower-case, so nobody checks twice. Rules: labels of 1 to 63 bytes, 253 in all
(RFC 1035 §2.3.4), letters, digits, hyphens and underscores (a host's name has no underscore, other owner names do),
internationalised labels by IDNA2008 (RFC 5891) as the `idna` package does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import WireError

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
MAX_DOMAIN = 253  # RFC 1035 §2.3.4: 255 on the wire is 253 as text


@dataclass(frozen=True, slots=True, order=True)
class Domain:
    """A checked domain name, without a final dot."""

    ascii: str

    @property
    def unicode(self) -> str:
        """The form for people; equal to `ascii` unless a label is internationalised."""
        if "xn--" not in self.ascii:
            return self.ascii
        return _to_unicode(self.ascii)

    def __str__(self) -> str:
        return self.unicode

    def log_form(self) -> str:
        """For logs: both forms when they differ, so that look-alike letters are seen."""
        return self.ascii if self.unicode == self.ascii else f"{self.unicode}/{self.ascii}"

    def is_subdomain_of(self, parent: Domain) -> bool:
        """Whether this name is `parent` or below it."""
        return self.ascii == parent.ascii or self.ascii.endswith("." + parent.ascii)


def _to_unicode(name: str) -> str:
    import idna

    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def _to_ascii(text: str) -> str:
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as err:
        raise WireError(f"bad internationalised domain name: {err}") from None


def parse_domain(text: str) -> Domain:
    """The domain that `text` names, in either form; raises WireError with the reason. A final dot is not allowed."""
    if not text:
        raise WireError("empty domain name")
    if len(text) > 4 * MAX_DOMAIN:
        raise WireError(f"domain name longer than {MAX_DOMAIN} bytes")
    name = text.lower() if text.isascii() else _to_ascii(text).lower()
    if len(name) > MAX_DOMAIN:
        raise WireError(f"domain name longer than {MAX_DOMAIN} bytes")
    for label in name.split("."):
        if not _LABEL.match(label):
            raise WireError(f"bad label {label!r} in domain name" if label else "empty label in domain name")
        if label.startswith("xn--") and _to_unicode(label) == label:
            raise WireError(f"bad internationalised label {label!r} in domain name")
    return Domain(name)
