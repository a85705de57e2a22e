"""Rows and policies of DMARC reports as text in a database: JSON that only this module writes and reads.

What is read back is equal to what was written, so equal values have equal text.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json

from app.wire.domain import Domain
from app.wire.reports.dmarc import AuthResult, Disposition, DmarcRow, PublishedPolicy


def write_policy(policy: PublishedPolicy) -> str:
    """The policy as text."""
    return json.dumps(dataclasses.asdict(policy) | {"domain": policy.domain.ascii}, separators=(",", ":"))


def read_policy(text: str) -> PublishedPolicy:
    """The policy from its text."""
    found = json.loads(text)
    return PublishedPolicy(**found | {"domain": Domain(found["domain"])})


def write_row(row: DmarcRow) -> str:
    """The row without its count."""
    fields = dataclasses.asdict(row)
    fields |= {"source": str(row.source) if row.source else None, "disposition": row.disposition.value}
    del fields["count"]
    return json.dumps(fields, separators=(",", ":"))


def read_row(text: str) -> DmarcRow:
    """The row of one message."""
    found = json.loads(text)
    found |= {
        "source": ipaddress.ip_address(found["source"]) if found["source"] else None,
        "disposition": Disposition(found["disposition"]),
        "reasons": tuple(found["reasons"]),
        "dkim_results": tuple(AuthResult(**one) for one in found["dkim_results"]),
        "spf_results": tuple(AuthResult(**one) for one in found["spf_results"]),
    }
    return DmarcRow(count=1, **found)
