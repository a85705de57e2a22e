"""Who listens, from a /proc made for the test and from the real one."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from quickstart.probes import listening
from quickstart.probes.listening import Listening, listeners

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(address: str, state: str, inode: int) -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0 100 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    rows = [line("00000000:0019", "0A", 11), line("0100007F:0019", "01", 12), line("0100007F:0050", "0A", 13)]
    (tmp_path / "net" / "tcp").write_text(HEAD + "".join(rows))
    mapped = "0000000000000000FFFF00000200A8C0"
    rows = [line("00000000000000000000000001000000:0019", "0A", 14), line(f"{mapped}:03E1", "0A", 15)]
    (tmp_path / "net" / "tcp6").write_text(HEAD + "".join(rows))
    return tmp_path


def run(proc: Path, pid: int, name: str, *inodes: int) -> None:
    (proc / str(pid) / "fd").mkdir(parents=True)
    (proc / str(pid) / "comm").write_text(name + "\n")
    for number, inode in enumerate(inodes):
        (proc / str(pid) / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def listens(address: str, program: str = "", *, is_guess: bool = False) -> Listening:
    return Listening(address=ipaddress.ip_address(address), program=program, is_guess=is_guess)


def test_owners_are_found_by_their_sockets(proc):
    run(proc, 7, "nginx", 13, 99)
    run(proc, 8, "master", 11, 14)
    assert listeners(25, proc) == (listens("0.0.0.0", "master"), listens("::1", "master"))
    assert listeners(80, proc) == (listens("127.0.0.1", "nginx"),)
    assert listeners(993, proc) == (listens("192.168.0.2"),)
    assert listeners(443, proc) == ()


def test_a_program_that_hides_its_sockets_is_guessed_among_the_usual_ones(proc):
    run(proc, 7, "bash")
    run(proc, 8, "exim4")
    assert listeners(25, proc)[0] == listens("0.0.0.0", "exim4", is_guess=True)
    assert listeners(80, proc)[0] == listens("127.0.0.1")


def test_without_proc_nothing_is_known(tmp_path):
    assert listeners(25, tmp_path) == ()


@pytest.mark.skipif(not listening.PROC.joinpath("net/tcp").exists(), reason="needs /proc")
def test_a_real_listener_is_this_process():
    with socket.create_server(("127.0.0.1", 0)) as server:
        (found,) = listeners(server.getsockname()[1])
    assert found.address == ipaddress.ip_address("127.0.0.1")
    assert found.program == Path("/proc/self/comm").read_text().strip()
    assert not found.is_guess
