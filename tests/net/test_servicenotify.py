"""What systemd is told, by way of a socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.net.servicenotify import READY, tell, watchdog_s


def test_message_arrives_and_nobody_to_tell_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        tell(READY, {"NOTIFY_SOCKET": str(path)})
        assert listening.recv(100) == b"READY=1"
    tell(READY, {"NOTIFY_SOCKET": str(path)})
    tell(READY, {"NOTIFY_SOCKET": "vsock:2:1234"})
    tell(READY, {})


@pytest.mark.parametrize(
    ("text", "seconds"), [("120000000", 60.0), ("", 0.0), ("0", 0.0), ("-1", 0.0), ("x", 0.0), ("9" * 50, 0.0)]
)
def test_alive_is_said_twice_as_often_as_the_watchdog_looks(text: str, seconds: float) -> None:
    assert watchdog_s({"WATCHDOG_USEC": text} if text else {}) == seconds
