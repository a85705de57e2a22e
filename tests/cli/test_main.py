from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from app import VERSION
from app.cli import setup
from app.cli.command import Flag, UsageError, Value
from app.cli.flags import parse_flags
from app.cli.main import ALL_COMMANDS, main
from app.store.datalock import DataLock
from tests.support.configuration import write_configuration

FLAGS = (Flag("dir", ""), Flag("n", "", Value.NUMBER), Flag("now", "", Value.NOTHING), Flag("hold", "", Value.TRUTH))


@pytest.mark.parametrize(
    ("words", "flags", "rest"),
    [
        (["-dir", "x", "y"], {"dir": "x"}, ("y",)),
        (["--dir=x=z", "-n=3"], {"dir": "x=z", "n": "3"}, ()),
        (["-now", "y", "-dir", "x"], {"now": "true"}, ("y", "-dir", "x")),
        (["-now=false", "--", "-dir"], {"now": "false"}, ("-dir",)),
        (["-hold", "f", "-"], {"hold": "false"}, ("-",)),
        (["-dir", "-n"], {"dir": "-n"}, ()),
        (["-dir="], {"dir": ""}, ()),
    ],
)
def test_flags_are_read_as_go_reads_them(words, flags, rest):
    parsed = parse_flags(words, FLAGS)
    assert (parsed.flags, parsed.rest) == (flags, rest)


@pytest.mark.parametrize("words", [["-none"], ["-dir"], ["-n", "x"], ["-n=-1"], ["-now=maybe"], ["-hold", "perhaps"]])
def test_wrong_flags_are_usage_errors(words):
    with pytest.raises(UsageError):
        parse_flags(words, FLAGS)


def test_version(capsys):
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"mox {VERSION}\n")


def test_every_command_has_help_with_an_example(capsys):
    for command in ALL_COMMANDS:
        assert main(["help", *command.words.split()]) == 0
        out = capsys.readouterr().out
        assert f"\n    mox {command.words}" in out or f" {command.words}\n" in out, command.words
        assert command.summary.endswith(".")


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help_may_be_asked_for_by_flag(capsys, flag):
    assert main([flag]) == 0
    assert "config test" in capsys.readouterr().out
    assert main(["-config", "x", flag]) == 0
    assert "config test" in capsys.readouterr().out
    assert main([flag, "queue", "list"]) == 0
    assert capsys.readouterr().out.startswith("usage: mox queue list")
    assert main(["queue", "list", flag]) == 0
    assert capsys.readouterr().out.startswith("usage: mox queue list")


def test_incomplete_words_list_what_they_may_become(capsys):
    assert main(["queue"]) == 2
    error = capsys.readouterr().err
    assert "queue list" in error
    assert "config test" not in error


@pytest.mark.parametrize("words", [["queue", "nosuch"], ["queue", "holdrules", "nosuch", "x"]])
def test_an_unknown_second_word_lists_what_the_first_may_become(capsys, words):
    assert main(words) == 2
    *lines, last = capsys.readouterr().err.splitlines()
    assert last == f"there is no command '{' '.join(words[: words.index('nosuch') + 1])}'"
    assert "queue holdrules list" in "\n".join(lines)
    assert "config test" not in "\n".join(lines)


def test_unknown_words_list_everything(capsys):
    assert main(["frobnicate", "-x"]) == 2
    error = capsys.readouterr().err
    assert "there is no command 'frobnicate'" in error
    assert "queue list" in error
    assert "helpall" not in error


@pytest.mark.parametrize(
    "words",
    [["-none", "version"], ["version", "more"], ["queue", "list", "-none"], ["setaccountpassword"], ["queue drop"]],
)
def test_wrong_use_is_exit_code_2(words, capsys):
    assert main(words) == 2
    assert "usage: mox" in capsys.readouterr().err


def test_without_a_command_set_up_begins_until_there_is_a_configuration(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOXCONF", raising=False)
    assert setup.is_wanted(tmp_path / "config" / "mox.conf")
    write_configuration(tmp_path)
    assert main([]) == 2
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup" / "draft.json").write_text("{}")
    assert setup.is_wanted(tmp_path / "config" / "mox.conf"), "the set-up is not over"


def test_flags_of_the_set_up_go_with_no_other_command(tmp_path, monkeypatch, capsys):
    assert main(["-listen", "192.0.2.1", "queue", "list"]) == 2
    monkeypatch.chdir(tmp_path)
    assert main(["-listen", "nonsense"]) == 1
    assert "needs an IP address" in capsys.readouterr().err
    assert main(["setup-link"]) == 1
    assert "no set-up runs" in capsys.readouterr().err


def test_unknown_log_level_is_an_error(capsys):
    assert main(["-loglevel", "loud", "version"]) == 1
    assert "unknown log level" in capsys.readouterr().err


def test_a_file_in_the_place_of_a_directory_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["localserve", "-dir", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'file'}: Not a directory\n"


def test_configuration_comes_from_flag_then_environment(tmp_path, monkeypatch, capsys):
    path = write_configuration(tmp_path)
    monkeypatch.setenv("MOXCONF", str(tmp_path / "other.conf"))
    assert main(["config", "test"]) == 1
    assert "other.conf: cannot be read" in capsys.readouterr().err
    assert main(["-config", str(path), "config", "test"]) == 0
    assert capsys.readouterr().out.endswith("config OK\n")
    monkeypatch.setenv("MOXCONF", str(path))
    assert main(["config", "test"]) == 0


@pytest.mark.parametrize("words", [["config", "test"], ["queue", "list"]])
def test_what_can_be_no_configuration_is_said_once(tmp_path, capsys, words):
    binary = tmp_path / "mox.pyz"
    binary.write_bytes(b"PK\x03\x04\0\xff\n" * 1000)
    for path, said in (("/", "Is a directory"), (str(tmp_path), "Is a directory"), (str(binary), "not a text file")):
        assert main(["-config", path, *words]) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert said in line


def test_a_configuration_that_may_not_be_read_is_no_reason_to_make_another(tmp_path, monkeypatch, capsys):
    path = write_configuration(tmp_path)

    def forbidden(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert main(["-config", str(path), "queue", "list"]) == 1
    error = capsys.readouterr().err
    assert "run this as root or as the user that mox runs as" in error
    assert "quickstart" not in error


def test_commands_to_copy_are_quoted(tmp_path, capsys):
    assert main(["config", "tlspubkey", "gen", str(tmp_path / "my key")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    *_, file = shlex.split(last)
    assert Path(file).is_file()


def test_quick_commands_load_neither_asyncio_nor_the_web(tmp_path):
    path = write_configuration(tmp_path)
    lock = DataLock(path.parent.parent / "data")  # as if a server ran; without one 'queue list' does the work
    lock.take()
    code = """
import sys
from app.cli.main import main
for words in (["version"], ["help"], ["queue", "list"]):
    main(words)
print("loaded", *({"asyncio", "ssl", "starlette", "cryptography", "prometheus_client"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MOXCONF": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lock.release()
    assert done.stdout.endswith("loaded\n")
    assert "run this again when it is done" in done.stderr


@pytest.mark.parametrize("words", [["help"], ["nosuch"], ["config", "describe-static"]])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/null"])
def test_output_that_cannot_be_written_is_no_traceback(tmp_path, words, closed):
    code = "from app.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
    command = ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert "Traceback" not in done.stderr + done.stdout
    assert "rror" not in done.stderr
    assert done.returncode == (2 if words == ["nosuch"] else 0)


def test_characters_that_the_output_cannot_hold_are_no_error():
    code = "from app.cli.main import main; main(['version']); print('ok \\u2713')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.endswith("ok \\u2713\n")


def test_closed_output_is_no_traceback():
    code = "from app.cli.main import main; import sys; sys.exit(main(['helpall']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1
