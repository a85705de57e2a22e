"""The built file as a service: what happens when its engine dies, when it is started anew, and without any root."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import Site, engine, make_site, send, starts
from tests.support.built import IS_ROOT, NOBODY, open_place

SETPRIV = shutil.which("setpriv")
ACTIVATE = shutil.which("systemd-socket-activate")
pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25 and to drop it"),
    pytest.mark.skipif(not SETPRIV, reason="needs setpriv (Debian: apt install util-linux)"),
]
NO_RESOLVER = "127.0.0.1:1"
AS_NOBODY = (str(SETPRIV), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
WITH_LOW_PORTS = ("--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")


@pytest.fixture
def site() -> Iterator[Site]:
    with open_place() as place:
        made = make_site(place / "one.test", "one.test", 21, NO_RESOLVER)
        made.command("fixpermissions")
        yield made


def banner(site: Site) -> str:
    with smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
        return client.ehlo()[1].decode()


def test_engine_that_is_killed_is_started_again_and_nobody_is_refused(site: Site) -> None:
    with site.instance.running():
        subject = send(site)
        first = engine(site)
        os.kill(first, signal.SIGKILL)
        assert "mx.one.test" in banner(site), "who came meanwhile waited"
        wait_for(lambda: starts(site) == 2, site.instance.log)
        assert 'm="the engine ended" pkg=serve why="killed by SIGKILL (out of memory?)"' in site.instance.log()
        assert engine(site) != first
        site.received(subject)


def test_engine_ends_with_the_process_above_it(site: Site) -> None:
    with site.instance.running():
        subject, below = send(site), engine(site)
        site.instance.stop(signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{below}").exists() or "Z" in _state(below), site.instance.log)
        site.instance.start()
        site.received(subject)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


def test_start_anew_takes_a_changed_configuration_and_refuses_no_connection(site: Site) -> None:
    with site.instance.running(), connecting(site) as outcome:
        text = site.config.read_text()
        site.config.write_text(text.replace("Hostname: mx.one.test", "Hostname: new.one.test", 1))
        assert site.instance.process is not None
        pid = site.instance.process.pid
        os.kill(pid, signal.SIGHUP)
        wait_for(lambda: starts(site) == 2, site.instance.log)
        wait_for(lambda: outcome.after > 5, site.instance.log)
        assert "new.one.test" in banner(site)
        assert site.instance.process.pid == pid
        assert site.instance.process.poll() is None
        site.received(send(site))
    assert outcome.faults == []


class Outcome:
    """How connections went, one after the other."""

    def __init__(self) -> None:
        self.after = 0  # connections that were greeted since the server was told to start anew
        self.faults: list[str] = []


@contextlib.contextmanager
def connecting(site: Site) -> Iterator[Outcome]:
    """Somebody who connects again and again."""
    outcome, is_over = Outcome(), threading.Event()

    def connect() -> None:
        while not is_over.is_set():
            try:
                with socket.create_connection((site.instance.ip, 25), timeout=30) as sock:
                    greeting = sock.recv(500)
                outcome.after += greeting.startswith(b"220 new.")
                if not greeting.startswith((b"220 ", b"421 ")):
                    outcome.faults.append(repr(greeting))
            except OSError as error:
                outcome.faults.append(repr(error))

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        yield outcome
    finally:
        is_over.set()
        thread.join()


def test_start_anew_in_the_pause_after_a_crash(site: Site) -> None:
    with site.instance.running():
        assert site.instance.process is not None
        os.kill(engine(site), signal.SIGKILL)
        wait_for(lambda: "the engine ended" in site.instance.log(), site.instance.log)
        os.kill(site.instance.process.pid, signal.SIGHUP)
        wait_for(lambda: starts(site) == 2, site.instance.log)
        assert site.instance.process.poll() is None
        site.received(send(site))


def test_start_anew_with_a_broken_configuration_is_not_done(site: Site) -> None:
    with site.instance.running():
        site.config.write_text(site.config.read_text().replace("Hostname: mx", "Hostnome: mx", 1))
        assert site.instance.process is not None
        os.kill(site.instance.process.pid, signal.SIGHUP)
        wait_for(lambda: "not started again: the configuration has problems" in site.instance.log(), site.instance.log)
        assert "Hostnome" in site.instance.log()
        site.received(send(site))
        assert starts(site) == 1


def test_message_that_is_half_sent_is_taken_before_the_end(site: Site) -> None:
    with site.instance.running():
        subject = new_subject()
        with contextlib.suppress(smtplib.SMTPException), smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
            client.starttls(context=any_certificate())
            client.ehlo()
            client.mail("someone@elsewhere.test")
            client.rcpt(site.person)
            client.docmd("DATA")
            client.send(re.sub(rb"\r?\n", b"\r\n", new_message(subject).as_bytes()))
            assert site.instance.process is not None
            os.kill(site.instance.process.pid, signal.SIGTERM)
            wait_for(lambda: "m=stopping" in site.instance.log(), site.instance.log)
            time.sleep(4)  # longer than idle connections have
            client.send("second half\r\n.\r\n")
            assert client.getreply()[0] == 250
        assert site.instance.process is not None
        assert site.instance.process.wait(30) == 0
        site.instance.start()
        assert "second half" in site.received(subject).get_content()


def test_with_the_right_to_low_ports_only_and_not_for_long(site: Site) -> None:
    site.instance.within = (*AS_NOBODY, *WITH_LOW_PORTS)
    with site.instance.running():
        assert site.instance.process is not None
        for pid in (site.instance.process.pid, engine(site)):
            status = Path(f"/proc/{pid}/status").read_text()
            assert re.search(rf"^Uid:(\t{NOBODY}){{4}}$", status, re.MULTILINE)
            for kind in ("Inh", "Prm", "Eff", "Amb"):
                assert f"Cap{kind}:\t0000000000000000" in status
        site.received(send(site))


def test_systemd_is_told_how_it_stands(site: Site) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(30)
        path = site.config.parent.parent / "notify"
        listening.bind(str(path))
        path.chmod(0o666)
        site.instance.settings |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000"}
        with site.instance.running():
            assert listening.recv(100) == b"READY=1"
            assert [listening.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        while (said := listening.recv(100)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"


@pytest.mark.skipif(not ACTIVATE, reason="needs systemd-socket-activate (Debian: apt install systemd)")
def test_ports_may_be_opened_by_systemd(site: Site) -> None:
    ports = [(site.instance.ip, port) for port in (25, 465, 993, 80, 443)] + [(site.internal_ip, p) for p in (80, 8010)]
    listens = [f"--listen={ip}:{port}" for ip, port in ports]
    settings = [f"--setenv={name}" for name in ("MOX_CACHE", "MOX_RESOLVER", "PATH", "LANG", "HOME")]
    site.instance.within = (str(ACTIVATE), *listens, *settings, *AS_NOBODY)
    with site.instance.running():
        site.received(send(site))
        assert "socket was handed over that no listener" not in site.instance.log()
