"""The sendmail stand-in of mox.pyz, called as scripts call it, and by programs that know only sendmail."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD, arrived, new_subject
from tests.support.built import Instance, environment, everyones_python, readable_archive

CONFIG = """LocalHostname: web1.example.org
Host: {host}
Port: {port}
TLS: {tls}
STARTTLS: {starttls}
TLSInsecureSkipVerify: {insecure}
Username: mox@localhost
Password: {password}
AuthMethod: {mechanism}
From: mox@localhost
DefaultDestination: mox@localhost
"""


class Machine:
    """A machine whose mail the server sends: its moxsubmit.conf, its home directory, its sendmail."""

    def __init__(self, server: Instance, directory: Path) -> None:
        self.server, self.directory = server, directory
        self.config = directory / "moxsubmit.conf"
        self.sendmail = directory / "sendmail"
        archive = readable_archive()
        # As a link to the archive does, but by the Python of this test and with this file.
        self.sendmail.write_text(
            f'#!/bin/sh\nexec {everyones_python()} {directory}/link/sendmail -C {self.config} "$@"\n'
        )
        self.sendmail.chmod(0o755)
        (directory / "link").mkdir()
        (directory / "link" / "sendmail").symlink_to(archive)
        self.configure()

    def configure(self, **changes: str) -> None:
        usual = {"host": self.server.ip, "port": "1587", "tls": "false", "starttls": "true", "insecure": "true"}
        self.config.write_text(CONFIG.format_map({**usual, "password": PASSWORD, "mechanism": "", **changes}))

    def run(self, *words: str | Path, data: str = "") -> subprocess.CompletedProcess[str]:
        settings = environment(HOME=str(self.directory), GIT_CONFIG_GLOBAL="/dev/null")
        return subprocess.run(
            words, input=data, capture_output=True, text=True, env=settings, cwd=self.directory, timeout=60
        )

    def send(self, *words: str, data: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.sendmail, *words, data=data)

    def kept(self) -> list[str]:
        return [path.read_text() for path in (self.directory / "moxsubmit.failures").glob("newmsg.*")]


@pytest.fixture
def machine(server: Instance, tmp_path: Path) -> Machine:
    assert ACCOUNT == "mox@localhost"
    return Machine(server, tmp_path)


def test_mail_of_cron_arrives_at_the_default_destination(machine: Machine) -> None:
    subject = new_subject()
    data = f"From: root (Cron Daemon)\nTo: root\nSubject: {subject}\nX-Cron-Env: <LANG=C>\n\nGrüße\n.\nend\n"
    done = machine.send("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", data=data)
    assert (done.returncode, done.stderr) == (0, "")
    message = arrived(machine.server, subject)
    assert message["From"] == "CronDaemon <mox@localhost>"
    assert message.get_content() == "Grüße\r\n.\r\nend\r\n"
    assert message["DKIM-Signature"]
    assert machine.kept() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"mechanism": "SCRAM-SHA-256-PLUS"},
        {"mechanism": "CRAM-MD5"},
        {"mechanism": "PLAIN"},
        {"port": "1465", "tls": "true", "starttls": "false"},
    ],
    ids=str,
)
def test_each_way_to_the_server_works(machine: Machine, changes: dict[str, str]) -> None:
    machine.configure(**changes)
    subject = new_subject()
    done = machine.send("-t", "-i", data=f"To: a@example.org\nBcc: b@example.org\nSubject: {subject}\n\nx\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert arrived(machine.server, subject, count=2)["Bcc"] is None


@pytest.mark.parametrize(
    ("changes", "words", "code", "said"),
    [
        ({"insecure": "false"}, ["root"], 75, "certificate"),
        ({"password": "wrong"}, ["root"], 77, "cannot sign in as mox@localhost"),
        ({"starttls": "false", "mechanism": "PLAIN"}, ["root"], 77, "offers no mechanism"),
        ({"port": "1"}, ["root"], 75, "Connection refused"),
        ({"host": "nowhere.invalid"}, ["root"], 75, "nowhere.invalid is not known"),
        ({}, ["bad@"], 65, "'bad@' is not an address"),
        ({}, [], 65, "nobody to send to"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_kept_and_explained(
    machine: Machine, changes: dict[str, str], words: list[str], code: int, said: str
) -> None:
    machine.configure(**changes)
    data = "Subject: x\n\nkeep me\n"
    done = machine.send(*words, data=data)
    assert (done.returncode, machine.kept()) == (code, [data])
    assert said in done.stderr
    assert str(machine.directory / "moxsubmit.failures") in done.stderr
    assert PASSWORD not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(["-bs"], 64, "-bs is not possible"), (["-bp"], 64, "-bp is not possible"), (["-k"], 64, "-k")],
)
def test_what_no_client_can_do_is_said(machine: Machine, words: list[str], code: int, said: str) -> None:
    done = machine.send(*words, data="x\n")
    assert (done.returncode, machine.kept()) == (code, [])
    assert said in done.stderr


def test_without_its_file_it_says_how_to_make_one(machine: Machine) -> None:
    machine.config.unlink()
    done = machine.send("root", data="x\n")
    assert done.returncode == 78
    assert "config describe-sendmail" in done.stderr


def test_as_a_command_it_takes_the_same_flags(machine: Machine) -> None:
    subject = new_subject()
    command = (everyones_python(), readable_archive(), "sendmail", "-C", machine.config, "-i", "-f", "www-data", "root")
    assert machine.run(*command, data=f"Subject: {subject}\n\nx\n").returncode == 0
    arrived(machine.server, subject)


@pytest.mark.skipif(shutil.which("bsd-mailx") is None, reason="needs bsd-mailx")
def test_the_mail_command_sends_through_it(machine: Machine) -> None:
    subject = new_subject()
    (machine.directory / ".mailrc").write_text(f"set sendmail={machine.sendmail}\n")
    done = machine.run("bsd-mailx", "-s", subject, "-c", "copy@example.org", "root", data="text\n")
    assert done.returncode == 0, done.stderr
    arrived(machine.server, subject, count=2)


@pytest.mark.skipif(not os.path.exists("/usr/lib/git-core/git-send-email"), reason="needs git-email")
def test_git_send_email_sends_a_patch_through_it(machine: Machine) -> None:
    subject = new_subject()
    author = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for words in (
        ("init", "--quiet", "."),
        (*author, "commit", "--quiet", "--allow-empty", "-m", f"{subject}\n\nWhy."),
        ("format-patch", "--quiet", "-1", "--always", "-o", "patches", "--root"),
    ):
        assert machine.run("git", *words).returncode == 0
    way = (f"--sendmail-cmd={machine.sendmail}", "--confirm=never", "--to=a@example.org", "--suppress-cc=all")
    done = machine.run("git", *author, "send-email", "--quiet", *way, "--from=Ann <ann@example.org>", "patches")
    assert done.returncode == 0, done.stderr
    message = arrived(machine.server, f"[PATCH] {subject}")
    assert message["From"] == "Ann <mox@localhost>"
    assert "Why." in message.get_content()
