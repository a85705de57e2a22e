"""MTA-STS: what a domain publishes so that mail comes to it over verified TLS only (RFC 8461).

`parse_record` reads the TXT record at `_mta-sts.<domain>`, which only says that there is a policy and which version of
it. `parse_policy` reads the policy itself, from `https://mta-sts.<domain>/.well-known/mta-sts.txt`. Both raise
WireError for what does not keep to the grammar; unknown fields are left for later versions. A policy of several
kilobytes and hundreds of hosts is somebody's mistake: sizes are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from app.errors import WireError
from app.wire.domain import parse_domain

MAX_POLICY = 64 * 1024
MAX_HOSTS = 200
MAX_AGE_S = 31_557_600  # RFC 8461 §3.2: about a year

_VERSION = re.compile(rb"v=STSv1[ \t]*(?:;|\Z)")
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)\Z")
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_AGE = re.compile(r"[0-9]{1,10}\Z")


class Mode(Enum):
    """What a sender does when the check fails."""

    ENFORCE = "enforce"  # it does not deliver
    TESTING = "testing"  # it delivers, and reports
    NONE = "none"  # there is no policy (any more)


@dataclass(frozen=True, slots=True)
class MtaStsPolicy:
    """A policy; `hosts` are names, or `*.` and a domain."""

    mode: Mode
    max_age_s: int
    hosts: tuple[str, ...] = ()

    def allows(self, host: str) -> bool:
        """Whether a mail exchanger is one of the policy (RFC 8461 §4.1): a wildcard is exactly one label."""
        name = host.lower().rstrip(".")
        wildcard = "*." + name.partition(".")[2]
        return name in self.hosts or wildcard in self.hosts

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy as TLS reports quote it (RFC 8460 §4.4)."""
        hosts = (f"mx: {host}" for host in self.hosts)
        return ("version: STSv1", f"mode: {self.mode.value}", *hosts, f"max_age: {self.max_age_s}")


def records_of(texts: Sequence[bytes]) -> list[bytes]:
    """The TXT records that are about MTA-STS; with more than one there is no policy (RFC 8461 §3.1)."""
    return [text for text in texts if _VERSION.match(text)]


def parse_record(data: bytes) -> str:
    """The id of the policy; another one than last time means another policy."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise WireError("the MTA-STS record has characters beyond ASCII") from None
    first, *fields = (field.strip(" \t") for field in text.split(";"))
    if first != "v=STSv1":
        raise WireError("the MTA-STS record does not begin with v=STSv1")
    if fields and not fields[-1]:
        fields.pop()
    found = [_field(field) for field in fields]
    ids = [value for name, value in found if name == "id"]
    if not ids or not _ID.match(ids[0]):
        raise WireError("the id of the MTA-STS record must be 1 to 32 letters and digits")
    return ids[0]


def _field(text: str) -> tuple[str, str]:
    match = _FIELD.match(text)
    if match is None:
        raise WireError(f"the MTA-STS record has a part that is no field: {text[:40]!r}")
    return match[1], match[2]


def parse_policy(data: bytes) -> MtaStsPolicy:
    """The policy in a file; of a field that comes twice the first counts, but for mx."""
    if len(data) > MAX_POLICY:
        raise WireError(f"the MTA-STS policy is larger than {MAX_POLICY // 1024} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise WireError("the MTA-STS policy is not text in UTF-8") from None
    fields: dict[str, str] = {}
    hosts: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip(" \t"):
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise WireError(f"the MTA-STS policy has a line without a colon: {line[:40]!r}")
        if name == "mx":
            hosts.append(_host(value.strip(" \t")))
        else:
            fields.setdefault(name, value.strip(" \t"))
    return _policy(fields, hosts)


def _policy(fields: dict[str, str], hosts: list[str]) -> MtaStsPolicy:
    if fields.get("version") != "STSv1":
        raise WireError("the MTA-STS policy does not say version: STSv1")
    try:
        mode = Mode(fields.get("mode", ""))
    except ValueError:
        raise WireError("the mode of the MTA-STS policy must be enforce, testing or none") from None
    age = fields.get("max_age", "")
    if not _AGE.match(age):
        raise WireError("the MTA-STS policy needs a max_age in seconds")
    if not hosts and mode is not Mode.NONE:
        raise WireError("the MTA-STS policy names no mail server (mx)")
    if len(hosts) > MAX_HOSTS:
        raise WireError(f"the MTA-STS policy names more than {MAX_HOSTS} mail servers")
    return MtaStsPolicy(mode, min(int(age), MAX_AGE_S), tuple(hosts))


def _host(text: str) -> str:
    star = "*." if text.startswith("*.") else ""
    try:
        return star + parse_domain(text.removeprefix("*.").removesuffix(".")).ascii
    except WireError:
        raise WireError(f"the MTA-STS policy names a mail server that is no host: {text[:80]!r}") from None
