"""Makes one backup, for tests that have its system calls fail.

python back_up_once.py FOLDER TARGET
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.dont_write_bytecode = True

from app.errors import MailError  # noqa: E402
from app.operations.backup.run import Wanted, back_up  # noqa: E402

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
wanted = Wanted(config_path=folder / "config" / "mox.conf", data_dir=folder / "data", target=target)
try:
    done = back_up(wanted, lambda text: None)
except MailError as error:
    sys.exit(f"failed: {error}")
for fault in done.faults:
    sys.exit(f"fault: {fault}")
