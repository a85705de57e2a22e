"""Where the set-up listens, what it says in the terminal, and how a new link is had."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Refusal
from app.net.listen import ListenError
from quickstart import running
from quickstart.claim import Claims
from quickstart.running import Place, Program, parse_place
from quickstart.system import RealSystem
from quickstart.terminal import Terminal, ssh_command
from quickstart.wizard import SETUP_DIRECTORY, Wizard, World
from tests.quickstart.world import Nobody, SetupWorld, nothing_published


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 8000),
        ("192.0.2.1:9000", "192.0.2.1", 9000),
        ("2001:db8::1", "2001:db8::1", 8000),
        ("[2001:db8::1]:9000", "2001:db8::1", 9000),
        ("0.0.0.0", "0.0.0.0", 8000),
    ],
)
def test_listen_takes_an_address_with_or_without_port(text: str, address: str, port: int) -> None:
    place = parse_place(text)
    assert (str(place.address), place.port) == (address, port)


@pytest.mark.parametrize("text", ["", "example.org", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:65536", "[::1", ":8000"])
def test_listen_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(Refusal, match="-listen"):
        parse_place(text)


def test_the_next_free_port_is_taken() -> None:
    first = running.open_socket(Place())
    second = running.open_socket(Place())
    try:
        assert second.getsockname()[1] > first.getsockname()[1] >= running.FIRST_PORT
        assert second.getsockname()[0] == "127.0.0.1"
        with pytest.raises(ListenError):
            running.open_socket(Place(port=first.getsockname()[1]))
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SSH_CONNECTION": "198.51.100.7 50000 192.0.2.1 22", "USER": "root"}, "root@192.0.2.1"),
        ({"SSH_CONNECTION": "198.51.100.7 50000 192.0.2.1 2222", "USER": "jane"}, "-p 2222 jane@192.0.2.1"),
        ({"SSH_CONNECTION": "a 1 2001:db8::1 22", "USER": "root", "SUDO_USER": "jane"}, "jane@2001:db8::1"),
        ({"SSH_CONNECTION": "a 1 192.0.2.1 22", "USER": "x; rm -rf /"}, "'x; rm -rf /@192.0.2.1'"),
        ({"USER": "jane"}, ""),
        ({"SSH_CONNECTION": "nonsense", "USER": "jane"}, ""),
    ],
)
def test_the_ssh_line_leads_back_to_this_session(environment: dict[str, str], words: str) -> None:
    assert ssh_command(environment) == words


def test_the_terminal_says_how_to_get_there_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(program="python3 mox.pyz", is_terminal=True, ssh_command="jane@192.0.2.1")
    terminal.greet(["http://127.0.0.1:8000/setup#abc"], 8000, "")
    said = capsys.readouterr().out
    assert "ssh -L 8000:127.0.0.1:8000 jane@192.0.2.1" in said
    assert "http://127.0.0.1:8000/setup#abc" in said
    assert "python3 mox.pyz setup-link" in said
    terminal.greet(["https://192.0.2.1:8000/setup#abc"], 8000, "AA:BB")
    assert "AA:BB" in capsys.readouterr().out


def test_a_directory_that_others_may_not_enter_is_found(tmp_path: Path) -> None:
    (tmp_path / "closed" / "in").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert running.closed_place(tmp_path / "closed" / "in") is not None


def test_only_one_set_up_runs_in_a_directory_and_only_that_gives_links(tmp_path: Path) -> None:
    scratch = tmp_path / SETUP_DIRECTORY
    with pytest.raises(Refusal, match="no set-up runs"):
        running.renew_link(tmp_path)
    with running.only_one(scratch):
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        with pytest.raises(Refusal, match="already"), running.only_one(scratch):
            pass
        (scratch / running.RUNNING_FILE).write_text('{"origins": ["http://127.0.0.1:8000"]}')
        (link,) = running.renew_link(tmp_path)
        origin, _, token = link.partition("/setup#")
        assert origin == "http://127.0.0.1:8000"
        assert Claims(scratch).claim(token)
    with pytest.raises(Refusal, match="no set-up runs"):
        running.renew_link(tmp_path)


def test_without_a_terminal_the_link_is_in_a_private_file_and_nowhere_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_until_stopped(SetupWorld(tmp_path), Place(), lambda port: None)
    path = tmp_path / SETUP_DIRECTORY / running.LINK_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = capsys.readouterr()
    assert path.read_text().strip().partition("#")[2] not in said.out + said.err
    assert str(path) in said.out
    assert "goes on where it was" in said.out


def test_open_to_the_network_it_speaks_tls_with_the_certificate_whose_mark_was_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(port: int) -> None:
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        marks.append(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper())
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context, timeout=10)
        assert caught.value.code == 404

    marks: list[str] = []
    for _ in range(2):
        run_until_stopped(SetupWorld(tmp_path), parse_place(f"0.0.0.0:{free_port()}"), look)
        assert marks[-1] in capsys.readouterr().out.replace(":", "")
    assert marks[0] == marks[1], "the certificate is kept"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("0.0.0.0", 0))
        return int(sock.getsockname()[1])


def run_until_stopped(world: SetupWorld, place: Place, look: Callable[[int], None]) -> None:
    """Run the program, look at its port, and end it by a signal."""

    async def run() -> None:
        system = RealSystem(("false",), lambda *words: None)
        wizard = Wizard.open(
            World(
                directory=world.directory,
                machine=world.machine,
                resolver=world.resolver,
                system=system,
                lookout=nothing_published,
                dialler=Nobody(),
            )
        )
        program = Program(wizard, system, place, Terminal(program="mox", is_terminal=False))
        task = asyncio.create_task(program.run())
        while not (wizard.scratch / running.LINK_FILE).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(look, place.port)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await task == 0

    (world.directory / SETUP_DIRECTORY / running.LINK_FILE).unlink(missing_ok=True)
    asyncio.run(run())
