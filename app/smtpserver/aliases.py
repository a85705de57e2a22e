"""Aliases: an address that stands for members, and who may write to it.

A public alias takes mail from anyone. A private one takes it from members only, and a From field proves nothing before
it has been verified: `author` is the verified author, None while nobody vouches for one. The author does not get a copy
of a message that came by an alias, nor do members to whom it is also addressed directly.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.config.lookup import AliasFound, Destined
from app.wire.smtp.address import Address


def may_post(found: AliasFound, author: Address | None, author_found: Destined | AliasFound | None) -> bool:
    """Whether the verified author may write to the alias."""
    if found.alias.post_public:
        return True
    if author is None or author_found is None:
        return False
    if isinstance(author_found, AliasFound):  # a member who writes in the name of the alias itself
        return found.alias.allow_msg_from and author_found.address == found.address
    return any(_same(member, author_found) for member in found.members)


def members(found: AliasFound, direct: Iterable[Destined], author: Destined | AliasFound | None) -> list[Destined]:
    """The members that get a message, each account and destination once."""
    left_out = list(direct)
    if isinstance(author, Destined):
        left_out.append(author)
    chosen: list[Destined] = []
    for member in found.members:
        if not any(_same(member, other) for other in (*left_out, *chosen)):
            chosen.append(member)
    return chosen


def _same(one: Destined, other: Destined) -> bool:
    return one.account_name == other.account_name and one.destination_key == other.destination_key
