"""A stand-in for a server that does not run: the control protocol, answered by this process itself.

So a command says the same words to a running server and to data at rest. Who uses it holds the lock of the data
directory. Operations run on an event loop of their own thread, and the client talks to them over a pair of sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.ctl.client import ControlClient
from app.ctl.server import ControlServer, Operation


@contextlib.contextmanager
def standing_in(data_dir: Path, operations: Mapping[str, Operation]) -> Iterator[ControlClient]:
    """A client of these operations; what they began is ended when this ends."""
    near, far = socket.socketpair()
    server = ControlServer(data_dir, operations)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve_one(far)))
    thread.start()
    try:
        with ControlClient(near) as client:
            yield client
    finally:
        near.close()
        thread.join()
