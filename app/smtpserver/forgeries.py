"""Takes out of an arriving message what only we may say: Authentication-Results in our name (RFC 8601 §5).

Filters and mail programs behind us believe that field, so whoever forges it could vouch for himself. The checks see the
message as it came; what is stored is without the forgery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from app.smtpserver.arrival import Arrival
from app.store.spool import MEMORY_LIMIT, Body, Spool
from app.wire.domain import Domain
from app.wire.message.authresults import without_claims


async def without_forgeries(arrived: Arrival, ours: Iterable[Domain], tmp_dir: Path) -> Body:
    """The body to be stored: the one that came when there is nothing forged in it."""
    header = arrived.header
    if b"authentication-results" not in header.lower():
        return arrived.body
    names = [one for domain in ours for one in {domain.ascii, domain.unicode}]
    kept = without_claims(header, names)
    if len(kept) == len(header):
        return arrived.body
    if arrived.body.size <= MEMORY_LIMIT:
        return _spooled(arrived, kept, tmp_dir)
    return await asyncio.to_thread(_spooled, arrived, kept, tmp_dir)


def _spooled(arrived: Arrival, header: bytes, tmp_dir: Path) -> Body:
    spool = Spool(tmp_dir)
    spool.write(header)
    spool.write(arrived.body.data[len(arrived.header) :])
    return spool.finish()
