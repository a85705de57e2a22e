"""Each command by `main`, those that need a server against a real control socket."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import stat
import subprocess
import sys

import pytest

from app.cli import queue
from app.cli.command import UsageError
from app.cli.main import main
from app.cli.queuefilter import parse_duration
from app.config.describe import describe_domains, describe_static
from app.log import SETTINGS, Level
from app.operations import adminpassword
from app.store.account.credentials import load, verify_password
from app.store.accounts import Accounts
from app.store.queuerecords import Attempt, Ending, Finished, QueueFilter
from tests.support.configuration import MOX_CONF, write_configuration
from tests.support.control import ControlWorld


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(SETTINGS, "write", lambda line: None)
    monkeypatch.setattr(SETTINGS, "default", Level.INFO)
    monkeypatch.setattr(SETTINGS, "packages", {})


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = ControlWorld(tmp_path)
    monkeypatch.setenv("MOXCONF", str(world.live.path))
    yield world
    world.accounts.close()


def typed(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_account_password_is_read_from_standard_input_and_set(world, monkeypatch, capsys):
    typed(monkeypatch, "new password\n")
    assert world.run(lambda: main(["setaccountpassword", "jane"])) == 0
    found = world.accounts.open_now("jane").read_now(load)
    assert found
    assert verify_password(found.argon2id, "new password")
    assert "new password" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("account", "text", "words"),
    [("jane", "", "no password was given"), ("jane", "short", "too short"), ("none", "long enough", "no account")],
)
def test_account_password_that_cannot_be_set_says_why(world, monkeypatch, capsys, account, text, words):
    typed(monkeypatch, text)
    assert world.run(lambda: main(["setaccountpassword", account])) == 1
    assert words in capsys.readouterr().err


def test_admin_password_is_written_as_a_hash(tmp_path, monkeypatch, capsys):
    path = write_configuration(tmp_path, MOX_CONF.replace("Hostname", "AdminPasswordFile: adminpasswd\nHostname"))
    typed(monkeypatch, "admin password\n")
    assert main(["-config", str(path), "setadminpassword"]) == 0
    file = path.with_name("adminpasswd")
    assert adminpassword.check(file.read_text(), "admin password")
    assert stat.S_IMODE(file.stat().st_mode) & 0o007 == 0
    typed(monkeypatch, "short\n")
    assert main(["-config", str(path), "setadminpassword"]) == 1
    assert adminpassword.check(file.read_text(), "admin password")


def test_admin_password_needs_its_setting(tmp_path, monkeypatch, capsys):
    typed(monkeypatch, "admin password\n")
    assert main(["-config", str(write_configuration(tmp_path)), "setadminpassword"]) == 1
    assert "AdminPasswordFile: is not set" in capsys.readouterr().err


@pytest.mark.parametrize(("again", "result"), [("secret words", "secret words"), ("other words", "not the same")])
def test_password_on_a_terminal_is_asked_twice_and_not_shown(again, result):
    code = """
import sys
from app.cli.prompt import NoAnswer, read_new_password
try:
    print(read_new_password())
except NoAnswer as error:
    print(error)
"""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stderr
    for prompt, answer in ((b"password: ", "secret words"), (b"again: ", again)):
        assert process.stderr.read(len(prompt)).strip() == prompt.strip()
        os.write(parent, answer.encode() + b"\n")
        process.stderr.read(1)  # the line break that ends the prompt
    assert result in process.stdout.read().decode()
    process.wait()
    os.set_blocking(parent, False)
    with contextlib.suppress(BlockingIOError):
        assert b"words" not in os.read(parent, 1000)
    os.close(child)
    os.close(parent)


def test_queue_commands_list_and_change(world, capsys):
    def commands():
        codes = [main(["queue", "hold", "-to", "one@example.org"]), main(["queue", "list", "-asc", "-hold", "true"])]
        held = capsys.readouterr().out
        codes.append(main(["queue", "unhold"]))
        codes.append(main(["queue", "schedule", "-to", "@example.net", "-now", "48h"]))
        codes.append(main(["queue", "list", "-nextattempt", ">47h"]))
        later = capsys.readouterr().out
        codes.append(main(["queue", "schedule", "-to", "@example.net", "--", "-1h"]))
        codes.append(main(["queue", "requiretls", "-to", "@example.net", "yes"]))
        codes.append(main(["queue", "drop", "-from", "@example.com", "-submitted", "<1m"]))
        codes.append(main(["queue", "list"]))
        return codes, held, later, capsys.readouterr().out

    codes, held, later, last = world.run(commands)
    assert codes == [0] * 9
    assert held.startswith("1 changed\n")
    assert "hold" in held.splitlines()[1]
    assert "<one@example.org>" in held
    assert "<two@example.net>" not in held
    assert "<two@example.net>" in later
    assert "<one@example.org>" not in later
    assert last.splitlines()[-2:] == ["2 dropped", "no messages"]


def test_an_attempt_that_never_comes_is_listed(world, capsys):
    def commands():
        asyncio.run_coroutine_threadsafe(world.queue.schedule(QueueFilter(), 1e18), world.loop).result()
        return main(["queue", "list"])

    assert world.run(commands) == 0
    assert "next never" in capsys.readouterr().out


def test_queue_attempts_tells_what_was_tried_and_said(world, capsys):
    async def try_in_vain():
        (row,) = await world.queue.begin([1], lambda attempts: 3600.0)
        tried = Attempt(
            started=1e9,
            duration_s=1.0,
            success=False,
            error="It is busy.",
            host="mx.example.org",
            ip="192.0.2.1",
            security="TLS 1.3, certificate not checked",
        )
        said = "   0.10 S: 421 busy\x1b[2J\n"
        await world.queue.finish([Finished(id=row.id, ending=Ending.DEFERRED, attempt=tried, dialogue=said)])

    def commands():
        asyncio.run_coroutine_threadsafe(try_in_vain(), world.loop).result(10)
        return [main(["queue", "attempts", number]) for number in ("1", "2", "3", "x")]

    assert world.run(commands) == [0, 0, 1, 2]
    out = capsys.readouterr()
    first, empty, attempt, security, said, *second = out.out.splitlines()
    assert first.startswith("1 from <jane@example.com> to <one@example.org>, 1 attempts so far, the next at 20")
    assert empty == ""
    assert attempt == "2001-09-09T01:46:40Z mx.example.org [192.0.2.1]: It is busy."
    assert security == "Connection: TLS 1.3, certificate not checked"
    assert said == "   0.10 S: 421 busy?[2J"
    assert second[-1] == "no attempt has ended yet"
    assert "there is no message 3 in the queue" in out.err


def test_a_long_queue_is_listed_whole(world, capsys, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_ROWS", 1)
    assert world.run(lambda: [main(["queue", "list", *more]) for more in ([], ["-asc"], ["-n", "1"])]) == [0, 0, 0]
    lines = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["2", "1", "1", "2", "2"]


@pytest.mark.parametrize("words", [["list", "-ids", "9" * 30], ["list", "-n", "9" * 30], ["dump", "9" * 30]])
def test_numbers_that_no_message_can_have_are_refused_in_words(world, words, capsys):
    assert world.run(lambda: main(["queue", *words])) == 1
    assert "too large" in capsys.readouterr().err


def test_what_cannot_be_undone_needs_a_filter_or_all(world, capsys):
    assert world.run(lambda: [main(["queue", "drop"]), main(["queue", "fail"]), main(["queue", "fail", "-all"])]) == [
        2,
        2,
        0,
    ]
    out = capsys.readouterr()
    assert "say which messages" in out.err
    assert out.out == "2 changed\n"


def test_queue_dump_prints_the_message(world, capfdbinary):
    def commands():
        main(["queue", "list", "-to", "one@example.org"])
        number = capfdbinary.readouterr().out.split()[0].decode()
        return main(["queue", "dump", number]), main(["queue", "dump", "999"])

    assert world.run(commands) == (0, 1)
    out = capfdbinary.readouterr()
    assert out.out == b"Received: by us\r\nSubject: hi\r\n\r\nbody\r\n"
    assert b"no message 999" in out.err


def test_loglevels_are_shown_and_set(world, capsys):
    world.run(lambda: [main(["loglevels", "warn"]), main(["loglevels", "trace", "queue"]), main(["loglevels"])])
    assert capsys.readouterr().out == "(default): warn\nqueue: trace\n"


def test_a_package_that_there_is_not_gets_no_level(world, capsys):
    assert world.run(lambda: [main(["loglevels", "info", "nopkg"]), main(["loglevels"])]) == [1, 0]
    told = capsys.readouterr()
    assert "there is no package 'nopkg'; there are certificates, " in told.err
    assert "nopkg" not in told.out


def test_stop_asks_the_server_and_waits_for_its_end(world, capsys):
    server = world.server

    def stop() -> None:
        world.stopped = True
        world.loop.call_soon(lambda: world.loop.create_task(server.close()))

    world.stop = stop
    assert world.run(lambda: main(["stop"])) == 0
    assert world.stopped
    assert capsys.readouterr().out == "mox stopped\n"


@pytest.mark.parametrize("words", [["stop"], ["loglevels"]])
def test_commands_that_need_a_server_say_so(tmp_path, capsys, words):
    assert main(["-config", str(write_configuration(tmp_path)), *words]) == 1
    assert "start it with 'serve'" in capsys.readouterr().err


def test_describe_prints_the_annotated_files(capsys):
    assert main(["config", "describe-static"]) == main(["config", "describe-domains"]) == 0
    assert capsys.readouterr().out == describe_static() + describe_domains()


def test_config_test_prints_every_problem(tmp_path, capsys):
    path = write_configuration(tmp_path, MOX_CONF.replace("mx.example.com", "not a host").replace("info", "loud"))
    assert main(["-config", str(path), "config", "test"]) == 1
    error = capsys.readouterr().err
    assert "LogLevel" in error
    assert "Hostname" in error


def test_localserve_makes_a_configuration_with_a_password_once(tmp_path, capsys):
    words = ["localserve", "-dir", str(tmp_path / "local"), "-initonly"]
    assert main(words) == 0
    assert main(["-config", str(tmp_path / "local" / "mox.conf"), "config", "test"]) == 0
    accounts = Accounts(tmp_path / "local")
    found = accounts.open_now("mox").read_now(load)
    accounts.close()
    assert found
    assert verify_password(found.argon2id, "moxmoxmox")
    before = found.argon2id
    assert main(words) == 0
    accounts = Accounts(tmp_path / "local")
    again = accounts.open_now("mox").read_now(load)
    accounts.close()
    assert again
    assert again.argon2id == before


def test_quickstart_writes_a_configuration_that_is_right_and_never_over_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOX_RESOLVER", "127.0.0.1:1")
    assert main(["quickstart", "-skipdial", "-hostname", "mail.example.org", "you@example.org"]) == 0
    out = capsys.readouterr().out
    assert "DNS resolver: DNS does not work here." in out
    assert "Account you, password: " in out
    assert "MX    10 mail.example.org." in out
    assert main(["config", "test"]) == 0
    before = (tmp_path / "config" / "mox.conf").read_bytes()
    assert main(["quickstart", "other@example.org"]) == 1
    assert "there already" in capsys.readouterr().err
    assert (tmp_path / "config" / "mox.conf").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("-90s", -90), ("1.5h", 5400), ("0", 0), ("250ms", 0.25), ("+2m", 120)]
)
def test_durations_are_those_of_go(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "1d", "h", "--1h", "1h 2m", "x", "99999999h"])
def test_other_durations_are_usage_errors(text):
    with pytest.raises(UsageError):
        parse_duration(text)
