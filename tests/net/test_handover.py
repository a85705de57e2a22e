"""Listening sockets that were opened by another process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from app.net.handover import inherited

CHILD = """
import os, sys
sys.path.insert(0, {root!r})
from app.net.handover import inherited, pass_on
if len(sys.argv) == 1:
    import socket
    sockets = [socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)]
    print(*(sock.getsockname()[1] for sock in sockets), flush=True)
    os.execve(sys.executable, [sys.executable, "-c", sys.orig_argv[2], "second"], {{**os.environ, **pass_on(sockets)}})
print(*(f"{{address}}/{{port}}" for address, port in inherited(os.environ)))
print(*sorted(name for name in os.environ if name.startswith("LISTEN")), inherited(os.environ))
"""


def test_sockets_are_there_after_the_program_was_started_again() -> None:
    program = CHILD.format(root=os.getcwd())
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ports, places, rest = done.stdout.splitlines()
    first, second = ports.split()
    assert places == f"127.0.0.1/{first} ::1/{second}"
    assert rest == "{}", "they are taken once, and no program that is started later looks for them"


def test_what_is_meant_for_another_process_or_makes_no_sense_is_left_alone() -> None:
    for pid, count in (("1", "1"), (str(os.getpid()), "x"), (str(os.getpid()), ""), ("", "2")):
        environment = {"LISTEN_PID": pid, "LISTEN_FDS": count, "PATH": "x"}
        assert inherited(environment) == {}
        assert environment == {"PATH": "x"}


def test_only_sockets_that_listen_are_taken() -> None:
    program = f"""
import os, socket, sys
sys.path.insert(0, {os.getcwd()!r})
from app.net.handover import inherited
plain, listening = socket.socket(), socket.create_server(("127.0.0.1", 0))
place = listening.getsockname()
for number, descriptor in enumerate((plain.detach(), os.open("/dev/null", os.O_RDONLY), listening.detach())):
    os.dup2(descriptor, 10 + number)
for number in range(3):
    os.dup2(10 + number, 3 + number)
assert list(inherited({{"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3"}})) == [place]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_nothing_given_is_nothing_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert inherited({}) == {}
