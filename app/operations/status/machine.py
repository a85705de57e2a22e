"""What the machine has left for the server: room on the disk, memory, open files."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.operations.status.finding import Finding, Sources, Subject, act, fine, look
from app.operations.status.words import size

LOW_BYTES: Final = 2 << 30
LOW_PART: Final = 0.1
OUT_BYTES: Final = 256 << 20  # below this nothing works for long
LOW_MEMORY_BYTES: Final = 64 << 20
LOW_MEMORY_PART: Final = 0.05
MANY_FILES_PART: Final = 0.8

_PROC: Final = Path("/proc")


async def machine(sources: Sources) -> Sequence[Finding]:
    """All of it."""
    found = await asyncio.to_thread(lambda: [*memory(_PROC), *_open_files()])
    return [*await disk(sources), *found]


async def disk(sources: Sources) -> Sequence[Finding]:
    """Room for data."""
    return await asyncio.to_thread(_disk, sources.live.data_dir)


def _disk(data_dir: Path) -> Sequence[Finding]:
    try:
        usage = shutil.disk_usage(data_dir)
    except OSError:
        return []
    return [disk_finding(usage.free, usage.total)]


def disk_finding(free: int, total: int) -> Finding:
    """What that much room means."""
    words = f"{size(free)} of {size(total)} are free."
    if free >= min(LOW_BYTES, LOW_PART * total):
        return fine(Subject.DISK, "The disk has room", words)
    text = f"{words} When it is full, mail is refused for the time being; none is lost. Make room, or get a larger one."
    return (act if free < OUT_BYTES else look)(Subject.DISK, "The disk is nearly full", text)


def memory(proc: Path) -> Sequence[Finding]:
    """Of Linux, as /proc tells it; others are not asked."""
    machine, own = _figures(proc / "meminfo"), _figures(proc / "self" / "status")
    available, total, used = machine.get("MemAvailable"), machine.get("MemTotal"), own.get("VmRSS")
    if available is None or total is None or used is None:
        return []
    words = f"The server uses {size(used)}; {size(available)} of {size(total)} are available."
    if available >= min(LOW_MEMORY_BYTES, LOW_MEMORY_PART * total):
        return [fine(Subject.MEMORY, "There is memory", words)]
    text = f"{words} When there is none left, the system ends programs, often this one. Look what else uses so much."
    return [look(Subject.MEMORY, "Memory is short", text)]


def _figures(path: Path) -> dict[str, int]:
    """The lines "Name: 12 kB", in bytes."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    words = (line.replace(":", " ").split() for line in lines)
    return {one[0]: int(one[1]) << 10 for one in words if len(one) == 3 and one[2] == "kB" and one[1].isdigit()}


def _open_files() -> Sequence[Finding]:
    """A connection is an open file, and so is a message that is read."""
    try:
        count = len(os.listdir("/proc/self/fd"))
    except OSError:
        return []
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or count < MANY_FILES_PART * most:
        return []
    text = (
        f"{count:,} of {most:,} that the system allows. At the limit nobody can connect. Raise LimitNOFILE of the unit."
    )
    return [look(Subject.SERVER, "Many files and connections are open", text)]
