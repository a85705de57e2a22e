"""What a check gets and what it says: the question, the context with machine and resolver, and the finding.

A finding that is not OK has three sentences: what it means, what breaks when it stays, and how to mend it. `facts` are
the details to show in a list (addresses, names, banners); strings in them come from outside and are text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.smtp.address import Address, IPAddress
from quickstart.machine import Machine

LEFT_OUT = "Left out, as you asked to make no connections."
MAX_TEXT = 200  # of a string from outside, in a sentence


class State(Enum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found."""

    state: State
    summary: str  # one line, for the row
    meaning: str = ""
    breaks: str = ""
    fix: str = ""
    blocks: bool = False  # set-up cannot go on
    facts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be set up, as far as it is known."""

    address: Address
    hostname: Domain
    directory: Path
    ips: Sequence[IPAddress] = ()  # to listen on, when chosen; else those of the machine
    nat_ips: Sequence[IPAddress] = ()  # by which the world reaches this machine, when given
    existing_webserver: bool = False
    skip_dial: bool = False  # make no connections; DNS only


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a check may use."""

    question: Question
    machine: Machine
    resolver: Resolver
    clock: Clock = SYSTEM


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `key` names it in addresses and files."""

    key: str
    title: str
    run: Callable[[Context], Awaitable[Finding]]


def ok(summary: str, facts: Mapping[str, Sequence[str]] | None = None) -> Finding:
    """All is well."""
    return Finding(state=State.OK, summary=summary, facts=facts or {})


def not_asked(what: str) -> Finding:
    """Left out because the person said so."""
    return Finding(
        state=State.UNKNOWN,
        summary=LEFT_OUT,
        meaning=f"Nobody tried {what}.",
        breaks="Nothing by itself; a fault would only show later, in use.",
        fix="Ask again without -skipdial.",
    )


def dns_failed(what: str, reason: str) -> Finding:
    """DNS did not tell; the row of the resolver says more."""
    return Finding(
        state=State.UNKNOWN,
        summary=f"DNS did not tell {what}.",
        meaning=f"The question got no usable answer: {printable(reason)}.",
        breaks="This check could not be made; a fault would only show later, in use.",
        fix="See the row about the DNS resolver, mend that first, then check again.",
    )


def printable(text: str) -> str:
    """Text from outside in one line of bounded length, without control characters."""
    kept = "".join(one if one.isprintable() else "?" for one in text[: MAX_TEXT + 1])
    return kept if len(kept) <= MAX_TEXT else kept[: MAX_TEXT - 1] + "…"


def listed(items: Sequence[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = [str(item) for item in items]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
