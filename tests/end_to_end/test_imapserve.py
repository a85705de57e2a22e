"""IMAP through a command that is started, as through ssh; that mbsync uses it is shown in test_programs."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import ACCOUNT
from tests.support.built import Instance, environment, everyones_python, readable_archive


def started(server: Instance, *words: str, stdin: int | socket.socket) -> subprocess.Popen[bytes]:
    command = [everyones_python(), str(readable_archive()), "-config", f"{server.directory}/mox.conf"]
    streams = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, "admin", "imapserve", *words], env=environment(), **streams)  # type: ignore[call-overload,no-any-return]


def test_one_socket_is_enough_and_the_end_of_the_server_is_told(tmp_path: Path) -> None:
    with Instance(tmp_path / "data", own_ip(23)).running() as server:
        near, far = socket.socketpair()
        with near, far, near.makefile("rwb") as stream:
            command = started(server, "-fd0", ACCOUNT, stdin=far)
            far.close()
            assert stream.readline().startswith(b"* PREAUTH ")
            stream.write(b"a NOOP\r\n")
            stream.flush()
            assert stream.readline().startswith(b"a OK ")
            server.stop()
            assert stream.readline().startswith(b"* BYE [UNAVAILABLE] ")
            assert command.communicate(timeout=30) == (b"", b"")
            assert command.returncode == 0


def test_what_cannot_be_is_told(server: Instance) -> None:
    for words, told in (
        (("nobody@localhost.example",), b"no address of an account"),
        (("-fd0", ACCOUNT), b"cannot write"),
    ):
        output, errors = started(server, *words, stdin=subprocess.PIPE).communicate(timeout=30)
        assert (output, told in errors) == (b"", True), errors
