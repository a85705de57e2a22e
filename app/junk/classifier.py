"""How likely a message is junk, from counts of its features; and what training changes. Values in, values out.

Two judges agree on a score. One counts: how many junk and wanted messages had each feature, in Robinson's way. The
other weighs: logistic regression, which learns a weight for each feature from the mistakes of both, so that features
that always come together do not count twice. Few samples keep both quiet. Features that were never seen count as much
as others in the number that the sum is divided by: that is what keeps a message of strange words undecided.

Weights are whole numbers of 1/UNIT. What training added is remembered as one number, the step, and taken away again
exactly; so are counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

UNIT: Final = 1 << 20
PRIOR: Final = 0.03  # how much the belief counts that a feature says nothing
DAMPING: Final = 0.8
FEW_COUNTED: Final = 25  # messages of the rarer class with which the counts have half their say
FEW_WEIGHED: Final = 225  # and the weights
RATE: Final = 4.0
PASSES: Final = 3
CLOSE: Final = 0.1  # an error with which training is content
MIN_SAMPLES: Final = 50  # of each class, without which there is no verdict
CAUTION: Final = 700.0  # divided by the messages of the rarer class: the log odds by which a filter must be surer
TOP: Final = 5  # features of either sign that explain a verdict


class Count(NamedTuple):
    """What is known of a feature. A message has a thousand, and a dataclass takes twice as long to make."""

    wanted: int = 0  # messages that have it
    junk: int = 0
    weight: int = 0


UNKNOWN: Final = Count()


@dataclass(frozen=True, slots=True)
class Samples:
    """How many messages the filter has learnt from."""

    wanted: int = 0
    junk: int = 0

    @property
    def rarer(self) -> int:
        """The number of the class with fewer."""
        return min(self.wanted, self.junk)

    @property
    def is_enough(self) -> bool:
        """Whether a verdict means something."""
        return self.rarer >= MIN_SAMPLES

    def required(self, probability: float) -> float:
        """What a verdict must reach in the place of `probability` before mail is refused: more, with few samples.

        A filter that knows little mail is wrong about wanted mail that is unlike it ten times as often as later.
        """
        if not 0 < probability < 1 or not self.rarer:
            return probability
        return _sigmoid(math.log(probability / (1 - probability)) + CAUTION / self.rarer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The verdict, and what each known feature added to it (above zero: junk)."""

    probability: float
    shares: dict[int, float]

    def top(self) -> list[int]:
        """The features that said most, for junk and against it, strongest first."""
        by_share = sorted(self.shares, key=self.shares.__getitem__)
        chosen = {*by_share[:TOP], *by_share[-TOP:]}
        return sorted(chosen, key=lambda number: -abs(self.shares[number]))


def score(size: int, known: Mapping[int, Count], samples: Samples) -> Score:
    """The verdict on a message of `size` features, of which `known` are."""
    if not size:
        return Score(probability=0.5, shares={})
    rarer = samples.rarer
    by_count = 2 / size**DAMPING * rarer / (rarer + FEW_COUNTED)
    by_weight = 1 / (UNIT * math.sqrt(size)) * rarer / (rarer + FEW_WEIGHED)
    odds = _LogOdds(samples)
    shares = {number: by_count * odds(count) + by_weight * count.weight for number, count in known.items()}
    return Score(probability=_sigmoid(math.fsum(shares.values())), shares=shares)


def step(size: int, known: Mapping[int, Count], samples: Samples, *, is_junk: bool) -> int:
    """What training on a message adds to the weight of each of its features."""
    if not size:
        return 0
    odds = _LogOdds(samples)
    root = math.sqrt(size)
    counted = 2 / size**DAMPING * math.fsum(map(odds, known.values()))
    weighed = math.fsum(count.weight for count in known.values()) / (UNIT * root)
    added = 0.0
    for _ in range(PASSES):
        error = is_junk - _sigmoid(counted + weighed + added * size / root)
        if abs(error) < CLOSE:
            break
        added += RATE * error / root
    return round(added * UNIT)


class _LogOdds:
    """The logarithm of the odds that a message with this feature is junk, as the counts have it."""

    __slots__ = ("_cache", "_ratio")

    def __init__(self, samples: Samples) -> None:
        self._ratio = max(samples.junk, 1) / max(samples.wanted, 1)
        self._cache: dict[tuple[int, int], float] = {}

    def __call__(self, count: Count) -> float:
        key = count[:2]
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._log_odds(*key)
        return found

    def _log_odds(self, wanted: int, junk: int) -> float:
        if wanted + junk <= 0:
            return 0.0
        seen = wanted + junk
        share = junk / (junk + wanted * self._ratio)
        chance = (PRIOR * 0.5 + seen * share) / (PRIOR + seen)
        return math.log(chance / (1 - chance))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, x))))
