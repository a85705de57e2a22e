"""What kept reports of both kinds have in common: by what a report is known again, and what is listed of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report as it is listed. What its sender says of itself is text."""

    id: int
    received: float
    reporter: str  # the verified domain of who sent it; "" for ourselves
    organisation: str
    contact: str
    report_id: str
    begin: int
    end: int
    domain: str


def report_key(reporter: str, organisation: str, report_id: str, domain: str) -> bytes:
    """The same for the same report sent twice; another sender's report never has it, whatever that one claims."""
    parts = (reporter, organisation, report_id, domain)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
