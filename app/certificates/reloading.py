"""Certificates in files that change while the server runs: used from the next handshake on, without a restart.

    reloading = Reloading([(certificates, files), ...])
    reloading.start()

Other programs renew such files, and write them one after the other: a pair that does not fit, or cannot be read, is
looked at again, and the old one serves on. Times and sizes are compared every half minute.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final, TypeAlias

from app.log import logger
from app.net.tls import CertificateError, KeyCert, ServerCertificates

LOOK_S: Final = 30.0

Mark: TypeAlias = tuple[tuple[int, int, int] | None, ...]

log = logger("certificates")


class Reloading:
    """The watched files."""

    def __init__(self, watched: Sequence[tuple[ServerCertificates, Sequence[KeyCert]]]) -> None:
        self._watched = watched
        self._marks: dict[int, Mark] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, look_s: float = LOOK_S) -> None:
        """Begin; what is loaded now counts as seen."""
        if self._watched:
            self._marks = {number: _mark(files) for number, (_, files) in enumerate(self._watched)}
            self._task = asyncio.get_running_loop().create_task(self._watch(look_s))

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, look_s: float) -> None:
        while True:
            await asyncio.sleep(look_s)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Look once; reads files."""
        for number, (certificates, files) in enumerate(self._watched):
            mark = _mark(files)
            if mark == self._marks[number]:
                continue
            try:
                certificates.replace(files)
            except CertificateError as error:  # the old mark stays, so it is tried again
                log.error("changed certificate is not used", err=error)
            else:
                self._marks[number] = mark
                log.info("changed certificate is in use", file=files[0].certificate_file)


def _mark(files: Sequence[KeyCert]) -> Mark:
    return tuple(_stat(name) for one in files for name in (one.certificate_file, one.key_file))


def _stat(name: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
