"""Whether the name servers of a zone have the records that are wanted: a state and a sentence for each record.

`states` asks all at once, each name and type once; `state` asks for one. The authoritative servers are asked; when none
of them can be reached, the resolver of this machine, and the sentence says so. Nothing is raised for what DNS says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from app.net.authority import Authority, Outcome, Said
from app.operations.dnscheck.judging import Expected, Fit, Judgement, judge
from app.operations.dnscheck.printable import printable, printable_list
from app.operations.dnscheck.resolved import THIS_RESOLVER, ask_resolver
from app.operations.dnscheck.tags import Difference
from app.operations.dnsrecords import Record
from app.trust.lookup import LookupFailed, Resolver


class State(Enum):
    """What is seen of a record."""

    SEEN = "seen"  # by every name server of the zone
    PARTLY = "partly"  # by some
    MISSING = "missing"
    WRONG = "wrong"  # a record of this kind is there, with a mistake
    FOREIGN = "foreign"  # others' records stand there, which are never replaced without thought
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The state for people."""
        return _WORDS.get(self, self.value)


_WORDS = {State.PARTLY: "seen by some", State.FOREIGN: "others' record", State.UNKNOWN: "cannot tell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """What is seen of a wanted record. All texts are fit to be shown."""

    record: Record
    state: State
    sentence: str  # what it means and what to do, in plain words
    found: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    proposal: str = ""  # instead of the wanted content, where the record must serve others too
    having: tuple[str, ...] = ()  # name servers that have it
    lacking: tuple[str, ...] = ()  # those that answered otherwise
    silent: tuple[str, ...] = ()  # those that did not answer


async def states(wanted: Sequence[Record], authority: Authority, resolver: Resolver) -> list[RecordState]:
    """The state of each record, in the same order."""
    asking = _Asking(authority, resolver)
    return await asyncio.gather(*(asking.state(record, wanted) for record in wanted))


class _Asking:
    """Questions that several records share, asked once."""

    def __init__(self, authority: Authority, resolver: Resolver) -> None:
        self._authority = authority
        self._resolver = resolver
        self._asked: dict[tuple[str, str], asyncio.Task[list[Said]]] = {}

    async def state(self, record: Record, wanted: Sequence[Record]) -> RecordState:
        said = await self._said(record)
        expected = Expected(
            record=record,
            siblings=frozenset(one.content for one in wanted if (one.name, one.type) == (record.name, record.type)),
            target_ips=await self._target_ips(record, wanted) if record.type == "CNAME" else frozenset(),
        )
        return _summary(expected, said)

    async def _said(self, record: Record) -> list[Said]:
        said = await self._ask(record.name, record.type)
        if record.type == "CNAME":
            said = await self._with_addresses(record, said)
        if any(one.is_answer for one in said):
            return said
        return [*await ask_resolver(self._resolver, record), *said]

    async def _ask(self, name: str, kind: str) -> list[Said]:
        key = (name, kind)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._authority.ask(name, kind))
        return await self._asked[key]

    async def _with_addresses(self, record: Record, said: list[Said]) -> list[Said]:
        """Addresses, from servers that have no alias at the name."""
        if all(one.outcome is not Outcome.NOTHING for one in said):
            return said
        kinds = ("A", "AAAA")
        replies = await asyncio.gather(*(self._ask(record.name, kind) for kind in kinds))
        by_server: dict[str, list[str]] = {}
        for kind, answers in zip(kinds, replies, strict=True):
            for one in answers:
                by_server.setdefault(one.server, []).extend(f"{kind} {text}" for text in one.records)
        return [
            replace(one, outcome=Outcome.RECORDS, records=tuple(by_server[one.server]))
            if one.outcome is Outcome.NOTHING and by_server.get(one.server)
            else one
            for one in said
        ]

    async def _target_ips(self, record: Record, wanted: Sequence[Record]) -> frozenset[str]:
        target = record.content.rstrip(".")
        known = frozenset(one.content for one in wanted if one.name == target and one.type in ("A", "AAAA"))
        if known:
            return known
        try:
            return frozenset(str(ip) for ip in (await self._resolver.addresses(target)).records)
        except LookupFailed:
            return frozenset()


def _summary(expected: Expected, said: Sequence[Said]) -> RecordState:
    judged = [(one, judge(expected, one.records)) for one in said if one.is_answer]
    right = [(one, judgement) for one, judgement in judged if judgement.fit is Fit.RIGHT]
    others = [(one, judgement) for one, judgement in judged if judgement.fit is not Fit.RIGHT]
    silent = [one for one in said if not one.is_answer]
    seen = RecordState(
        record=expected.record,
        state=State.UNKNOWN,
        sentence="",
        having=tuple(printable(one.server) for one, _ in right),
        lacking=tuple(printable(one.server) for one, _ in others),
        silent=tuple(printable(one.server) for one in silent),
    )
    if not judged:
        return replace(seen, sentence=_unknown(silent))
    if right:
        return _with(seen, right[0][1], *_seen_or_partly(seen))
    worst = min(others, key=lambda pair: _ORDER.index(pair[1].fit))
    alias = next((one.alias for one, _ in others if one.alias), "")
    if worst[1].fit is not Fit.ABSENT:
        return _with(seen, worst[1], State(worst[1].fit.value), worst[1].note + _by(seen))
    if alias and expected.record.type != "CNAME":
        return replace(seen, state=State.FOREIGN, found=(f"CNAME {printable(alias)}",), sentence=_aliased(alias))
    return replace(seen, state=State.MISSING, sentence=_missing(expected.record) + _by(seen))


_ORDER = (Fit.FOREIGN, Fit.WRONG, Fit.ABSENT)


def _with(seen: RecordState, judgement: Judgement, state: State, sentence: str) -> RecordState:
    return replace(
        seen,
        state=state,
        sentence=sentence,
        found=judgement.found,
        differences=judgement.differences,
        proposal=judgement.proposal,
    )


def _seen_or_partly(seen: RecordState) -> tuple[State, str]:
    if THIS_RESOLVER in seen.having:
        return State.SEEN, "It is there." + _by(seen)
    if not seen.lacking and not seen.silent:
        count = len(seen.having)
        return State.SEEN, "The name server has it." if count == 1 else f"All {count} name servers have it."
    parts = [f"{printable_list(seen.having)} {'has' if len(seen.having) == 1 else 'have'} it"]
    if seen.lacking:
        parts.append(f"{printable_list(seen.lacking)} not yet, which is usual for some minutes after a change")
    if seen.silent:
        verb = "does" if len(seen.silent) == 1 else "do"
        parts.append(f"{printable_list(seen.silent)} {verb} not answer: if that stays so, ask who keeps your DNS")
    return State.PARTLY, "; ".join(parts) + "."


def _by(seen: RecordState) -> str:
    """Whose word it is, when it is not that of the name servers."""
    if THIS_RESOLVER not in (*seen.having, *seen.lacking):
        return ""
    return " (The resolver of this machine says so, maybe some minutes late: no name server could be reached.)"


def _missing(record: Record) -> str:
    if record.is_reverse:
        return "The address has no name yet. Set it where you rent the address; it is often called reverse DNS."
    return "Not there yet. Add it where the DNS of the domain is kept; it may take some minutes until it is seen."


def _aliased(alias: str) -> str:
    return (
        f"The name is an alias (CNAME) of {printable(alias, 200)}, or a wildcard covers it. An alias allows no other "
        "record at its name: remove it if it is no longer needed, and add this one."
    )


def _unknown(silent: Sequence[Said]) -> str:
    if not silent:
        return "Cannot tell: no name server of the domain could be found. Is the domain registered, and delegated?"
    reasons = printable_list(f"{one.server}: {one.reason}" for one in silent)
    return f"Cannot tell: no name server answers ({reasons}). Look again later."
