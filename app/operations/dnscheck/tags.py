"""Lists of `tag=value` as DKIM, DMARC, TLS reports and MTA-STS have them in TXT records, and how two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.operations.dnscheck.printable import printable

MAX_TAGS = 50
_DEFAULTS = {"k": "rsa"}  # RFC 6376 §3.6.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A tag that is not as it should be; an empty text means that the tag is not there. Fit to be shown."""

    tag: str
    wanted: str
    found: str


def read_tags(text: str) -> dict[str, str]:
    """Values by tag in lower case; of a tag that comes twice the first one counts."""
    tags: dict[str, str] = {}
    for piece in text.split(";", MAX_TAGS)[:MAX_TAGS]:
        tag, equals, value = piece.partition("=")
        if equals:
            tags.setdefault(tag.strip().lower(), value.strip())
    return tags


def write_tags(tags: dict[str, str]) -> str:
    """The list as text."""
    return "; ".join(f"{tag}={value}" for tag, value in tags.items())


def differences(wanted: str, found: str, tags: Sequence[str]) -> tuple[Difference, ...]:
    """Where two lists differ in these tags; white space inside of values, and the letter case of addresses, aside."""
    want, have = read_tags(wanted), read_tags(found)
    return tuple(
        Difference(tag=tag, wanted=printable(want.get(tag, "")), found=printable(have.get(tag, "")))
        for tag in tags
        if _plain(tag, want.get(tag, "")) != _plain(tag, have.get(tag, ""))
    )


def report_addresses(value: str) -> list[str]:
    """The addresses of an `rua` value, in lower case, without a size limit (RFC 7489 §6.2)."""
    return [uri.strip().lower().partition("!")[0] for uri in value.split(",", MAX_TAGS)[:MAX_TAGS] if uri.strip()]


def _plain(tag: str, value: str) -> object:
    if tag == "rua":
        return sorted(report_addresses(value))
    joined = "".join(value.split()) or _DEFAULTS.get(tag, "")
    return joined if tag == "p" and len(joined) > len("quarantine") else joined.lower()
