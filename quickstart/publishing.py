"""The DNS records to publish, and what is seen of each: asked again and again in the background, with growing pauses.

What is wanted follows from the files that will be written, so it is the same before and after the installation. Who
asks DNS comes in as `Lookout`. Records that stand there and are others' are shown, never anything more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.clock import Clock
from app.errors import MailError
from app.net.authority import AuthoritativeServers
from app.operations.dnscheck.states import RecordState, State, states
from app.operations.dnsrecords import KeySource, Record, Row, host_of, records, rows, zone_file
from app.trust.lookup import Resolver
from quickstart.generate import CERTIFICATE_FILE, KEY_FILE, Generated

FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 3.0, 60.0, 1.4
WATCHED_S = 120.0  # without a page that asks, nobody is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of one record, ready for a page; texts may come from outside."""

    badge: str  # ok, warn, bad or unknown, as the parts of pages have them
    word: str
    sentence: str = ""
    differences: Sequence[tuple[str, str, str]] = ()  # what, wanted, found
    proposal: str = ""  # instead of the content, where others' records stand


Lookout = Callable[[Sequence[Record]], Awaitable[Sequence[Sight]]]


def authoritative(resolver: Resolver) -> Lookout:
    """Asks the name servers of the zones themselves."""

    async def look(wanted: Sequence[Record]) -> Sequence[Sight]:
        authority = AuthoritativeServers(resolver)
        try:
            return [sight_of(one) for one in await states(wanted, authority, resolver)]
        finally:
            authority.close()

    return look


def sight_of(found: RecordState) -> Sight:
    """What dnscheck says of a record, in the forms of a page."""
    differences = [(one.tag, one.wanted, one.found) for one in found.differences]
    return Sight(
        badge=_BADGES[found.state],
        word=found.state.words,
        sentence=found.sentence,
        differences=differences,
        proposal=found.proposal,
    )


_BADGES = {
    State.SEEN: "ok",
    State.PARTLY: "waiting",
    State.MISSING: "bad",
    State.WRONG: "bad",
    State.FOREIGN: "warn",
    State.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table; `sight` is None until DNS was asked."""

    row: Row
    sight: Sight | None


@dataclass(slots=True)
class Publishing:
    """The records of one set of files."""

    generated: Generated
    lookout: Lookout
    clock: Clock
    records: list[Record] = field(init=False)
    looked: float = 0.0  # when DNS was asked last; 0 for never
    failure: str = ""
    _sights: Sequence[Sight] = ()
    _watched: float = 0.0
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.records = wanted_records(self.generated)

    def is_for(self, generated: Generated) -> bool:
        """Whether these are the records of those files."""
        return wanted_records(generated) == self.records

    @property
    def lines(self) -> list[Line]:
        """The table."""
        zone = next(iter(self.generated.dynamic.domains))
        sights: Sequence[Sight | None] = self._sights or [None] * len(self.records)
        return [Line(row, sight) for row, sight in zip(rows(self.records, zone), sights, strict=True)]

    @property
    def zone_text(self) -> str:
        """The records as a zone file."""
        return zone_file(self.records)

    @property
    def is_published(self) -> bool:
        """Whether every record that matters was seen."""
        return bool(self._sights) and all(
            sight.badge == "ok"
            for record, sight in zip(self.records, self._sights, strict=True)
            if not record.needs_dnssec and not record.is_reverse
        )

    def watch(self, *, now: bool = False) -> None:
        """Somebody looks: ask DNS in the background for a while; `now` asks at once."""
        self._watched = self.clock.monotonic()
        if now and self._task is not None:
            self._task.cancel()
        if now or self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())

    async def look(self) -> None:
        """Ask DNS once."""
        try:
            self._sights = await self.lookout(self.records)
            self.failure = ""
        except MailError as error:
            self.failure = str(error)
        self.looked = self.clock.now()

    async def _ask(self) -> None:
        pause = FIRST_PAUSE_S
        while self.clock.monotonic() - self._watched < WATCHED_S:
            await self.look()
            await asyncio.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def wanted_records(generated: Generated) -> list[Record]:
    """Every record of every domain."""
    keys = keys_of(generated)
    host = host_of(generated.static, keys)
    return [
        record
        for domain in generated.dynamic.domains
        for record in records(generated.static, generated.dynamic, domain, host, keys)
    ]


def keys_of(generated: Generated) -> KeySource:
    """The keys by the names of their files, which may not be written yet."""
    content = {key.path: key.pem for key in generated.keys}
    content[CERTIFICATE_FILE], content[KEY_FILE] = generated.certificate.certificate, generated.certificate.key
    return content.__getitem__
