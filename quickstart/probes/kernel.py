"""What the kernel says of its clock and memory, and whether we are in a container."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"), Path("/run/systemd/container"))
CONTAINER_VARIABLE = "container"  # set by systemd-nspawn, LXC and podman
_TIMEX_BYTES = 512  # more than struct timex has; its first field, the changes to make, is 0
_NOT_SYNCHRONISED = 5  # TIME_ERROR


def is_clock_synchronised() -> bool | None:
    """Whether a time service keeps the clock right; None when it cannot be told."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _NOT_SYNCHRONISED


def memory_bytes(meminfo: Path = MEMINFO, limits: tuple[Path, ...] = MEMORY_LIMITS) -> int | None:
    """The memory of the machine, or the limit of its control group when that is less."""
    found = [size for path in limits if (size := _number(path)) is not None]
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if words[:1] == ["MemTotal:"] and words[1].isdigit():
            found.append(int(words[1]) * 1024)
    return min(found, default=None)


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max" is no limit


def is_container(marks: tuple[Path, ...] = CONTAINER_MARKS) -> bool:
    """Whether an engine has left its mark."""
    return any(mark.exists() for mark in marks) or bool(os.environ.get(CONTAINER_VARIABLE))
