"""What a backup looks like: `config`, `data`, and `backup.json`, which is written last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from app.errors import Refusal

FORMAT: Final = 1
FILE: Final = "backup.json"
CONFIG: Final = "config"
DATA: Final = "data"
UNFINISHED: Final = ".unfinished"  # the end of the folder's name until it is whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What `backup.json` says; times are seconds since 1970."""

    format: int
    version: str  # of the program that made it
    config_file: str  # name of mox.conf within `config`
    began: float
    ended: float
    faults: int
    left_out: tuple[str, ...] = ()  # what the configuration names, and is elsewhere

    def encoded(self) -> bytes:
        """The content of the file."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"


def describe(folder: Path) -> Description:
    """What the backup in `folder` says of itself; raises Refusal when it is none, or of a later form."""
    if folder.name.endswith(UNFINISHED):
        raise Refusal(f"{folder} is a backup that was not finished; name another one")
    try:
        found = json.loads((folder / FILE).read_bytes())
        found["left_out"] = tuple(str(one) for one in found.get("left_out", ()))  # the first ones do not say it
        description = Description(**{name: found[name] for name in Description.__slots__})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"{folder} is no backup: it has no {FILE} that can be read") from None
    if description.format != FORMAT:
        raise Refusal(f"{folder} was made by version {description.version}; use that or a newer one to read it")
    return description
