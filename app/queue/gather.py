"""Which recipients go out in one transaction.

Recipients of one message at one domain share a transaction when nothing about the way differs: the reverse-path, the
transport, what is asked of TLS, the number of the attempt, and whether the address needs SMTPUTF8. The order of
messages is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.store.queuerecords import Queued


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one message for one transaction; never empty."""

    rows: tuple[Queued, ...]

    @property
    def first(self) -> Queued:
        """For what all of them share."""
        return self.rows[0]


def gather(rows: Iterable[Queued]) -> list[Group]:
    """The rows in groups, in the order of their first members."""
    groups: dict[tuple[object, ...], list[Queued]] = {}
    for row in rows:
        key = (
            row.base_id,
            row.domain,
            row.reverse_path,
            row.transport,
            row.require_tls,
            row.attempts,
            row.fail_now,
            row.recipient.is_ascii,
        )
        groups.setdefault(key, []).append(row)
    return [Group(tuple(members)) for members in groups.values()]
