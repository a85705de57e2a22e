"""Whether metrics move.

with moves("mox_dane_verify_total"):           # by anything; with by=2.0 by exactly that
    ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY


def value(name: str, **labels: str) -> float:
    """The value of a sample now; 0 when it is not there yet. Without labels, the sum over all of that name."""
    samples = (one for family in REGISTRY.collect() for one in family.samples if one.name == name)
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


@contextmanager
def moves(name: str, by: float | None = None, **labels: str) -> Iterator[None]:
    """Check that a metric grows meanwhile."""
    before = value(name, **labels)
    yield
    grown = value(name, **labels) - before
    assert grown == by if by is not None else grown > 0, f"{name} {labels} grew by {grown}"
