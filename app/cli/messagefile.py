"""A message that was named on the command line: a file, or - for what comes in."""

from __future__ import annotations

import sys
from pathlib import Path


def read_message(name: str) -> bytes:
    """The bytes of the message, with the line ends of the wire: files on disk often have bare newlines."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    if b"\r\n" not in data:
        data = data.replace(b"\n", b"\r\n")
    if data.startswith(b"From "):  # the separator of an mbox
        data = data.partition(b"\r\n")[2]
    return data
