"""Where a command spends its time (`-cpuprof`) and memory (`-memprof`), written to a file when it ends.

The files are opened first, as `serve` may not be allowed to later, and written however the command ends, by SIGTERM
too, but not by SIGKILL. The time is that of the main thread, which has the event loop of a server; python3 -m pstats
reads it. The memory is what Python code held when it held most, to about a tenth, as a table: at the end of a server
there would be nothing left to see. Both make everything slower, and are never on otherwise.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from app.cli.command import Flag

if TYPE_CHECKING:
    import tracemalloc

FLAGS: Final = (
    Flag("cpuprof", "write where the time goes to this file, for python3 -m pstats", placeholder="file"),
    Flag("memprof", "write what holds memory to this file, as text", placeholder="file"),
)
LOOK_EVERY_S: Final = 1.0
GROWTH: Final = 1.1  # of what is held, after which it is looked at again
FRAMES: Final = 8  # of each place
MAX_PLACES: Final = 100
_TERMINATED: Final = 128 + signal.SIGTERM


_running: list[str] = []  # the files that are to be written


def is_on() -> bool:
    """Whether this process is measured: work that is given to another one would not be seen."""
    return bool(_running)


@contextlib.contextmanager
def profiled(cpu_file: str, memory_file: str) -> Iterator[None]:
    """Measure what runs in the block; "" for a file that is not wanted."""
    with contextlib.ExitStack() as stack:
        _running[:] = [file for file in (cpu_file, memory_file) if file]
        stack.callback(_running.clear)
        if _running:
            signal.signal(signal.SIGTERM, _end)  # a server puts its own in place of it
        if memory_file:
            stack.enter_context(_memory(stack.enter_context(open(memory_file, "w", encoding="utf-8"))))
        if cpu_file:
            stack.enter_context(_time(stack.enter_context(open(cpu_file, "wb"))))
        yield


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(_TERMINATED)


@contextlib.contextmanager
def _time(file: BinaryIO) -> Iterator[None]:
    import cProfile
    import marshal

    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        profile.create_stats()
        marshal.dump(profile.stats, file)  # what dump_stats writes, given a name


@contextlib.contextmanager
def _memory(file: TextIO) -> Iterator[None]:
    import tracemalloc

    tracemalloc.start(FRAMES)
    watch = _Watch()
    watch.start()
    try:
        yield
    finally:
        watch.finish()
        tracemalloc.stop()
        _write(watch, file)


class _Watch(threading.Thread):
    """Takes a snapshot each time that clearly more is held than at the last one."""

    def __init__(self) -> None:
        super().__init__(name="memprof", daemon=True)
        self._is_over = threading.Event()
        self.held = self.peak = 0
        self.snapshot: tracemalloc.Snapshot | None = None

    def run(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            self._look()

    def finish(self) -> None:
        """Look once more, and end."""
        self._is_over.set()
        self.join()
        self._look()

    def _look(self) -> None:
        import tracemalloc

        held, self.peak = tracemalloc.get_traced_memory()
        if held > self.held * GROWTH:
            self.held, self.snapshot = held, tracemalloc.take_snapshot()


def _write(watch: _Watch, file: TextIO) -> None:
    file.write(f"{watch.held} bytes held when this was taken, {watch.peak} at the most\n\n")
    if watch.snapshot is None:
        return
    for place in watch.snapshot.statistics("traceback")[:MAX_PLACES]:
        file.write(f"{place.size} bytes in {place.count} pieces\n")
        file.writelines(f"    {line}\n" for line in place.traceback.format(most_recent_first=True))
