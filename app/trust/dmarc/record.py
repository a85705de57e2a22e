"""The record that a domain publishes at `_dmarc`: `v=DMARC1; p=reject; rua=mailto:...` (RFC 7489 §6.3, RFC 9989 §4.7).

What is not `v=DMARC1` from its first byte is no DMARC record. Tags that are unknown or wrong are ignored in favour of
their defaults, and so is the second of two, but for the policies: with no `p=`, or a `p=`, `sp=` or `np=` that does not
exist, the record asks for reports only when it names an address for them, and is otherwise refused (§6.6.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from app.errors import MailError, WireError
from app.wire.smtp.address import Address, parse_address

MAX_RECORD = 8 * 1024
MAX_TAGS = 100
MAX_URIS = 20
DAY_S = 86400

_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^\s!,;]+)(?:!([0-9]{1,15})([kmgtKMGT]?))?\Z")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class BadRecord(MailError):
    """A DMARC record that does not count."""


class DmarcPolicy(Enum):
    """What a domain wants done with mail that is not its own, from mild to strict."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def strictness(self) -> int:
        """For comparing."""
        return list(DmarcPolicy).index(self)

    @property
    def milder(self) -> DmarcPolicy:
        """The next one below (RFC 7489 §6.6.4)."""
        return list(DmarcPolicy)[max(self.strictness - 1, 0)]


class Alignment(Enum):
    """How alike the domain of From and the one that is proved must be."""

    RELAXED = "r"
    STRICT = "s"


class Psd(Enum):
    """Whether a name is a public suffix, by its own record (RFC 9989 §4.7)."""

    YES = "y"
    NO = "n"
    UNSAID = "u"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportUri:
    """Where reports go; `address` is None unless it is a mailto:."""

    uri: str
    address: Address | None = None
    max_bytes: int = 0  # 0 for any


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcRecord:
    """A record that counts."""

    policy: DmarcPolicy
    subdomain_policy: DmarcPolicy
    nonexistent_policy: DmarcPolicy
    dkim_alignment: Alignment = Alignment.RELAXED
    spf_alignment: Alignment = Alignment.RELAXED
    percentage: int = 100
    is_testing: bool = False  # t=y
    psd: Psd = Psd.UNSAID
    aggregate: tuple[ReportUri, ...] = ()  # rua=
    failure: tuple[ReportUri, ...] = ()  # ruf=
    failure_options: tuple[str, ...] = ("0",)  # fo=
    interval_s: int = DAY_S  # ri=
    note: str = ""  # what is wrong with a record that counts all the same


def is_dmarc(raw: bytes) -> bool:
    """Whether a TXT record means to be a DMARC record."""
    return _VERSION.match(raw) is not None


def parse_record(raw: bytes) -> DmarcRecord:
    """Raises BadRecord."""
    if not is_dmarc(raw):
        raise BadRecord("it does not begin with v=DMARC1")
    if len(raw) > MAX_RECORD:
        raise BadRecord(f"it is longer than {MAX_RECORD} bytes")
    tags = _tags(raw.decode("utf-8", "replace"))
    aggregate = _uris(tags.get("rua", ""))
    policy, subdomain, nonexistent, note = _policies(tags, has_reports=bool(aggregate))
    return DmarcRecord(
        policy=policy,
        subdomain_policy=subdomain,
        nonexistent_policy=nonexistent,
        dkim_alignment=_alignment(tags.get("adkim", "")),
        spf_alignment=_alignment(tags.get("aspf", "")),
        percentage=_number(tags.get("pct", ""), 100, 100),
        is_testing=tags.get("t", "").lower() == "y",
        psd=_psd(tags.get("psd", "")),
        aggregate=aggregate,
        failure=_uris(tags.get("ruf", "")),
        failure_options=_options(tags.get("fo", "0")),
        interval_s=_number(tags.get("ri", ""), DAY_S, (1 << 32) - 1),
        note=note,
    )


def parse_reports(raw: bytes) -> tuple[ReportUri, ...]:
    """The rua= of a record that need not say more."""
    return _uris(_tags(raw[:MAX_RECORD].decode("utf-8", "replace")).get("rua", ""))


def _tags(text: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for spec in text.split(";", MAX_TAGS)[:MAX_TAGS]:
        name, equals, value = spec.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


def _policies(tags: dict[str, str], *, has_reports: bool) -> tuple[DmarcPolicy, DmarcPolicy, DmarcPolicy, str]:
    """p=, sp= and np=, each by default the one before, and what is wrong with them."""
    fault = "" if "p" in tags else "it has no p="
    found: list[DmarcPolicy] = []
    for name in ("p", "sp", "np"):
        value = tags.get(name)
        if value is None:
            found.append(found[-1] if found else DmarcPolicy.NONE)
            continue
        try:
            found.append(DmarcPolicy(value.lower()))
        except ValueError:
            found.append(DmarcPolicy.NONE)
            fault = fault or f"{name}={value[:20]} is no policy"
    if not fault:
        return found[0], found[1], found[2], ""
    if not has_reports:
        raise BadRecord(fault)
    return DmarcPolicy.NONE, DmarcPolicy.NONE, DmarcPolicy.NONE, f"{fault}, so that it only asks for reports"


def _alignment(value: str) -> Alignment:
    return Alignment.STRICT if value.lower() == "s" else Alignment.RELAXED


def _psd(value: str) -> Psd:
    return {"y": Psd.YES, "n": Psd.NO}.get(value.lower(), Psd.UNSAID)


def _number(value: str, default: int, top: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 10):
        return default
    return int(value) if int(value) <= top else default


def _options(value: str) -> tuple[str, ...]:
    chosen = [one.strip().lower() for one in value.split(":")]
    return tuple(dict.fromkeys(one for one in chosen if one in ("0", "1", "d", "s"))) or ("0",)


def _uris(value: str) -> tuple[ReportUri, ...]:
    """The addresses that can be read; others are left out."""
    read = (_uri(one.strip()) for one in value.split(",", MAX_URIS)[:MAX_URIS])
    return tuple(one for one in read if one)


def _uri(text: str) -> ReportUri | None:
    match = _URI.match(text)
    if not match:
        return None
    scheme, rest, number, unit = match.groups()
    limit = int(number) * _UNITS[unit.lower()] if number else 0
    address = None
    if scheme.lower() == "mailto":
        try:
            address = parse_address(unquote(rest.partition("?")[0]))
        except WireError:
            return None
    return ReportUri(uri=f"{scheme}:{rest}", address=address, max_bytes=limit)
