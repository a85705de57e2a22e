"""Which mailboxes a command is about: NOTIFY and ESEARCH name them by kind or by name (RFC 5465 §6, RFC 7377 §2.2).

    filter = "SELECTED" / "SELECTED-DELAYED" / "INBOXES" / "PERSONAL" / "SUBSCRIBED"
           / ("SUBTREE" / "SUBTREE-ONE" / "MAILBOXES") SP (mailbox / "(" mailbox *(SP mailbox) ")")

Wildcards mean nothing here. Names are decoded but not canonical; those that no mailbox can have are ignored later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.tokens import ImapCursor, keyword, parenthesized, space

MAX_NAMES: Final = 1000  # in one filter


class FilterKind(Enum):
    """How mailboxes are meant."""

    SELECTED = "SELECTED"
    SELECTED_DELAYED = "SELECTED-DELAYED"  # the same; removals wait for a command that allows them
    INBOXES = "INBOXES"  # where mail may be delivered
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"  # one level down
    MAILBOXES = "MAILBOXES"


NAMING: Final = frozenset({FilterKind.SUBTREE, FilterKind.SUBTREE_ONE, FilterKind.MAILBOXES})
OF_SELECTED: Final = frozenset({FilterKind.SELECTED, FilterKind.SELECTED_DELAYED})


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """Some mailboxes."""

    kind: FilterKind
    names: tuple[str, ...] = ()


def parse_filter(cursor: ImapCursor) -> MailboxFilter:
    """One filter."""
    start = cursor.pos
    try:
        kind = FilterKind(keyword(cursor, "which mailboxes"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(kind.value for kind in FilterKind))
    if kind not in NAMING:
        return MailboxFilter(kind)
    space(cursor)
    if not cursor.starts_with(b"("):
        return MailboxFilter(kind, (parse_mailbox(cursor),))
    names = parenthesized(cursor, parse_mailbox, "( and mailboxes")
    if not 0 < len(names) <= MAX_NAMES:
        cursor.fail(f"1 to {MAX_NAMES} mailboxes")
    return MailboxFilter(kind, tuple(dict.fromkeys(names)))
