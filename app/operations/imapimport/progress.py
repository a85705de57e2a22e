"""How an import from another server is coming along."""

from __future__ import annotations

from dataclasses import dataclass

from app.operations.mailimport import progress
from app.operations.mailimport.progress import State


@dataclass(slots=True, kw_only=True)
class Progress(progress.Progress):
    """Changes while the import goes on."""

    host: str
    user: str
    state: State = State.CONNECTING
    folder: str = ""
    folder_number: int = 0
    folder_count: int = 0
    expected: int = 0  # new messages in the folders seen so far
    passed: int = 0  # of those, whatever became of them
