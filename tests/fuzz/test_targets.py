"""The short form of fuzzing: the same inputs each time, for each target; `python -m tests.fuzz` makes new ones."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.runner import Run
from tests.fuzz.targets import TARGETS, Target

INPUTS = int(os.environ.get("MOX_FUZZ_INPUTS", "400"))


@pytest.mark.parametrize("target", TARGETS, ids=[one.name for one in TARGETS])
def test_any_bytes_have_an_answer(target: Target) -> None:
    run = Run(target, seed=1)
    for _ in range(INPUTS):
        run.step()
    assert not run.findings, run.findings[0].what
    assert run.outcomes > 2


def test_a_fault_is_found_and_can_be_shown_again(tmp_path) -> None:
    def check(data: bytes) -> int:
        return 1 // (b"boom" not in data)

    run = Run(Target("example", [b"bo", b"oboom"[1:]], check), seed=1)
    run.step()
    run.step()
    (found,) = run.findings
    assert "ZeroDivisionError" in found.what
    assert found.keep(tmp_path).read_bytes() == b"boom"
