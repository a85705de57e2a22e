"""Runs one command, for tests that have its system calls fail.

python onecommand.py WORD ...
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True

from app.cli.main import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
