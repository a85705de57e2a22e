"""Is there a newer version? Asked of DNS, once a day when CheckUpdates is on, or by `checkupdate`.

Nothing is downloaded and nothing is changed, and DNS learns no more than that somebody asks. Where versions are
announced is a matter of who publishes this program (`app.ANNOUNCED_AT`); a copy that does not know says so.
"""

from __future__ import annotations

from typing import Final

from app import ANNOUNCED_AT, VERSION
from app.errors import Refusal, WireError
from app.store.looks import Grade, Seen
from app.trust.lookup import LookupFailed, Resolver
from app.wire.announcement import PREFIX, Version, parse_announcement, parse_version
from app.wire.domain import Domain

NOT_KNOWN: Final = "This copy does not know where new versions are announced; look where you got it."


async def newest(resolver: Resolver, domain: Domain) -> Version:
    """The newest version that a domain announces; raises LookupFailed, and Refusal when it announces none."""
    name = PREFIX + domain.ascii
    answer = await resolver.txt(name)
    try:
        return parse_announcement(answer.records)
    except WireError as error:
        raise Refusal(f"{name} does not say which version is the newest: {error}") from None


async def seen_newest(resolver: Resolver, announced_at: str = ANNOUNCED_AT) -> Seen:
    """The same for the status page; never raises."""
    present = f"mox {VERSION}"
    if not announced_at:
        return Seen(thing="new versions", grade=Grade.UNKNOWN, text=NOT_KNOWN)
    try:
        found = await newest(resolver, Domain(announced_at))
    except (LookupFailed, Refusal) as error:
        return Seen(thing="new versions", grade=Grade.UNKNOWN, text=f"This cannot be told: {error}.")
    if found > parse_version(VERSION):
        text = f"This is {present}. Read what changed, make a backup, then put the new file in place and start it."
        return Seen(thing=f"mox {found}", grade=Grade.LOOK, text=text)
    return Seen(thing=present, grade=Grade.FINE, text="No newer one is announced.")
