"""Experiments with a junk filter on messages that people have sorted: how much would it find, and what would it spoil?

A message is read once and kept as the numbers of its features, so that a large collection fits into memory.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.junk.features import Features, features_of
from app.store.corpus import Sample, read_samples
from app.store.junkfile import JunkFile
from app.wire.message.dates import parse_date
from app.wire.message.header import find_field
from app.wire.message.part import parse_message, part_header


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A message of which is known whether it is junk."""

    place: str
    is_junk: bool
    numbers: Sequence[int]
    sent: float  # seconds since 1970; 0 when it does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A message, and how likely the filter finds it junk."""

    message: Sorted
    probability: float
    is_wrong: bool


@dataclass(slots=True)
class Tally:
    """How often the filter was right."""

    wanted: int = 0
    wanted_wrong: int = 0
    junk: int = 0
    junk_wrong: int = 0

    def count(self, judged: Judged) -> None:
        """Count one more."""
        if judged.message.is_junk:
            self.junk += 1
            self.junk_wrong += judged.is_wrong
        else:
            self.wanted += 1
            self.wanted_wrong += judged.is_wrong


def features_in(sample: Sample) -> Features:
    """The features of a message as it was read."""
    return features_of(sample.data, parse_message(sample.data))


def read_sorted(wanted: Path, junk: Path) -> Iterator[Sorted]:
    """All messages of the two places, wanted and junk by turns. Raises StoreError."""
    ham, spam = _sorted(wanted, is_junk=False), _sorted(junk, is_junk=True)
    while True:
        pair = [one for one in (next(ham, None), next(spam, None)) if one is not None]
        if not pair:
            return
        yield from pair


def _sorted(path: Path, *, is_junk: bool) -> Iterator[Sorted]:
    for sample in read_samples(path):
        root = parse_message(sample.data)
        date = parse_date(find_field(part_header(sample.data, root), "Date") or "")
        yield Sorted(
            place=sample.place,
            is_junk=is_junk,
            numbers=array("I", features_of(sample.data, root).numbers),
            sent=date.timestamp() if date else 0.0,
        )


def train(filter_: JunkFile, messages: Iterable[Sorted]) -> None:
    """Learn from all."""
    for message in messages:
        filter_.train(message.numbers, is_junk=message.is_junk)


def judge(filter_: JunkFile, message: Sorted, threshold: float) -> Judged:
    """What the filter says about a message, and whether that is wrong."""
    probability = filter_.probability(message.numbers)
    return Judged(message=message, probability=probability, is_wrong=(probability >= threshold) != message.is_junk)


def split(messages: Iterable[Sorted], share: float, seed: int) -> tuple[list[Sorted], list[Sorted]]:
    """A share of the messages, chosen by chance, and the others."""
    shuffled = list(messages)
    random.Random(seed).shuffle(shuffled)
    count = round(len(shuffled) * share)
    return shuffled[:count], shuffled[count:]


def play(filter_: JunkFile, messages: list[Sorted], threshold: float, tell: Callable[[Judged], None]) -> None:
    """Judge each message in the order in which they were sent, and then learn from it, as with a user who sorts."""
    for message in sorted(messages, key=lambda one: one.sent):
        tell(judge(filter_, message, threshold))
        filter_.train(message.numbers, is_junk=message.is_junk)
