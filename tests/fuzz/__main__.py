"""python -m tests.fuzz [--seconds N] [--seed N] [--show FILE] [TARGET ...]"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.fuzz.runner import Run, run_for
from tests.fuzz.targets import TARGETS

FOLDER = Path(__file__).resolve().parent.parent.parent / "build" / "fuzz"


def main() -> int:
    """Fuzz, and say what was found; 1 if there was something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--show", type=Path, help="run the one target that is named with this input")
    parser.add_argument("target", nargs="*", choices=[[], *(one.name for one in TARGETS)])
    given = parser.parse_args()
    chosen = [one for one in TARGETS if not given.target or one.name in given.target]
    if given.show:
        run = Run(chosen[0], given.seed)
        run.take(given.show.read_bytes())
        runs = [run]
    else:
        print(f"seed {given.seed}")
        runs = run_for(chosen, given.seconds, given.seed)
    for one in runs:
        print(f"{one.target.name}: {one.inputs} inputs, {one.outcomes} outcomes, {len(one.findings)} findings")
        for found in one.findings:
            print(f"{found.what}\nagain: python -m tests.fuzz {found.target} --show {found.keep(FOLDER)}")
    return 1 if any(one.findings for one in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
