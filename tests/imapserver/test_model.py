"""Several clients on one account, in random walks: all that each is told is what a simple reference says.

The walk and the judge are in `tests/imapserver/model`. MOX_MODEL_STEPS=1000000 walks longer, MOX_MODEL_SEED elsewhere.
A walk that fails is made short before it is shown.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.store.account import expunge
from tests.imapserver.model.play import Play, Step, walk
from tests.imapserver.model.shrink import shrink

STEPS = int(os.environ.get("MOX_MODEL_STEPS", "10000"))
FIRST_SEED = int(os.environ.get("MOX_MODEL_SEED", "1"))
STEPS_OF_A_WALK = 2500
WALKS = [(FIRST_SEED + number, min(STEPS_OF_A_WALK, STEPS)) for number in range(max(STEPS // STEPS_OF_A_WALK, 1))]


@contextmanager
def memory() -> Iterator[Path]:
    """A directory that costs no disk, where there is such a thing: a walk has thousands of commits."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


def play(steps: list[Step]) -> None:
    """Play in a world of its own."""
    with memory() as folder:
        Play(folder).run(steps)


def fails(steps: list[Step]) -> bool:
    """Whether a walk shows a fault."""
    try:
        play(steps)
    except Exception:
        return True
    return False


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("seed", "count"), WALKS)
def test_clients_are_told_what_is_true(monkeypatch: pytest.MonkeyPatch, seed: int, count: int) -> None:
    if seed % 2:
        monkeypatch.setattr(expunge, "MAX_TOMBSTONES", 3)  # so that much is forgotten
    steps = walk(seed, count)
    try:
        play(steps)
    except Exception:
        play(shrink(steps, fails))
        raise
