"""Runs targets: for a number of inputs, or for a time.

A finding is an exception that is not meant, or an input that takes more than MAX_CPU_S each time it is tried; it is
written to a file under its target's name, and told with the command that shows it again.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import Target, meant

MAX_CPU_S = 1.0
TRIES = 3  # more, before an input is said to be slow
MAX_POOL = 2000
MAX_FINDINGS = 5  # of one target; then it is left alone


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that must not do what it does."""

    target: str
    data: bytes
    what: str

    def keep(self, folder: Path) -> Path:
        """Write the input down."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.target}-{hashlib.sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        return path


class Run:
    """One target with its pool, which grows by what was new."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.inputs = 0
        self.findings: list[Finding] = []
        self._pool: list[bytes] = list(target.seeds)
        self._seen: set[str] = set()
        self._mutator = Mutator(seed)
        self._first: Iterator[bytes] = iter(target.seeds)

    def step(self) -> None:
        """One input: the seeds first, as they are."""
        data = next(self._first, None)
        self.take(self._mutator.make(self._pool) if data is None else data)

    def take(self, data: bytes) -> None:
        """This input."""
        self.inputs += 1
        started = time.thread_time()
        try:
            outcome = repr(_outcome(self.target, data))
        except Exception:  # whatever it is, it is what we look for
            self.findings.append(Finding(self.target.name, data, traceback.format_exc()))
            return
        took = time.thread_time() - started
        if took > MAX_CPU_S and (took := min(took, *self._again(data))) > MAX_CPU_S:
            self.findings.append(Finding(self.target.name, data, f"took {took:.1f} s of CPU"))
        if outcome not in self._seen and len(self._pool) < MAX_POOL:
            self._seen.add(outcome)
            self._pool.append(data)

    def _again(self, data: bytes) -> Iterator[float]:
        """How long an input takes that seemed to take long; the machine may have been slow for a moment."""
        for _ in range(TRIES):
            started = time.thread_time()
            _outcome(self.target, data)
            yield time.thread_time() - started

    @property
    def is_over(self) -> bool:
        """Whether it has found enough."""
        return len(self.findings) >= MAX_FINDINGS

    @property
    def outcomes(self) -> int:
        """How many different ones there were."""
        return len(self._seen)


def _outcome(target: Target, data: bytes) -> object:
    try:
        return target.check(data)
    except Exception as error:
        return meant(error)


def run_for(targets: Sequence[Target], seconds: float, seed: int) -> list[Run]:
    """All targets by turns, until the time is over."""
    runs = [Run(target, seed) for target in targets]
    end = time.monotonic() + seconds
    while time.monotonic() < end and (left := [one for one in runs if not one.is_over]):
        for one in left:
            for _ in range(20):
                one.step()
    return runs
