"""Finds the command that was typed and runs it; the entry of the whole program.

`main(["queue", "list"])` returns the exit code: 0 done, 1 failed, 2 used wrongly. Errors go to standard error in words.
"""

from __future__ import annotations

import io
import os
import platform
import sys
from collections.abc import Iterable, Sequence

from app import VERSION
from app.cli import profiling, sendmail, setup
from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.commands import COMMANDS
from app.cli.flags import parse_flags
from app.errors import ConfigError, MailError, Refusal
from app.log import SETTINGS, parse_level, set_levels

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_ASKS_FOR_HELP = {"-h", "-help", "--h", "--help"}
_HELP_FLAGS = (Flag("h", "", Value.NOTHING), Flag("help", "", Value.NOTHING))

GLOBAL_FLAGS = (
    Flag("config", "mox.conf to use; else $MOXCONF, else config/mox.conf", placeholder="file"),
    Flag("loglevel", "how much this command logs; 'serve' goes by mox.conf", placeholder="level"),
    Flag("logjson", "log lines are JSON objects", Value.NOTHING),
    *profiling.FLAGS,
)
_USAGE = (
    "usage: mox [-config file] [-loglevel level] [-logjson] [-cpuprof file] [-memprof file] command [flags] [arguments]"
)


def main(argv: Sequence[str]) -> int:
    """Run the command line without the program's name; the exit code."""
    _make_writable()
    try:
        return _run(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return MISUSED
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
    except Refusal as error:
        print(error.public, file=sys.stderr)
    except MailError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # as with "| head"; keep the interpreter from complaining when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:  # a file or directory that is not what the command was told
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return FAILED


def _make_writable() -> None:
    """Let nothing that is printed be an error: neither for its characters, nor because nobody wants to have it."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed; what is opened next would get its number, and be written into
            descriptor = os.open(os.devnull, os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 (for good)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(argv: Sequence[str]) -> int:
    if sendmail.is_called(sys.argv[0]):
        return sendmail.send(argv)
    if os.getgid() != os.getegid() and argv[:1] != ["sendmail"]:
        raise MailError("refusing to run with the rights of another group")
    try:
        parsed = parse_flags(argv, (*GLOBAL_FLAGS, *setup.FLAGS, *_HELP_FLAGS))
    except UsageError as error:
        raise UsageError(f"{error}\n{_USAGE}") from None
    if any(parsed.flags.get(flag.name) == "true" for flag in _HELP_FLAGS):
        return _help(Invocation(_HELP, {}, parsed.rest))
    if level := parsed.flags.get("loglevel"):
        set_levels(parse_level(level))
    SETTINGS.is_json = parsed.flags.get("logjson", "false") != "false"
    command = find_command(parsed.rest)
    config = parsed.flags.get("config", "")
    flags_of_setup = {flag.name: parsed.flags[flag.name] for flag in setup.FLAGS if flag.name in parsed.flags}
    if not parsed.rest and (flags_of_setup or setup.is_wanted(Invocation(_HELP, {}, (), config).config_path)):
        return setup.SETUP.run(Invocation(setup.SETUP, flags_of_setup, (), config))
    if flags_of_setup:
        raise UsageError(f"-{next(iter(flags_of_setup))} belongs to 'setup', which needs no other word\n{_USAGE}")
    if command is None:
        return _no_command(parsed.rest)
    with profiling.profiled(parsed.flags.get("cpuprof", ""), parsed.flags.get("memprof", "")):
        return _invoke(command, parsed.rest[len(command.words.split()) :], config)


def _invoke(command: Command, words: Sequence[str], config: str) -> int:
    if command.takes_flags and words[:1] != ["--help"]:
        return command.run(Invocation(command, {}, tuple(words), config))
    if words and words[0] in _ASKS_FOR_HELP:
        print(_full_help(command))
        return 0
    try:
        parsed = parse_flags(words, command.flags)
        return command.run(Invocation(command, parsed.flags, parsed.rest, config))
    except UsageError as error:
        raise UsageError(f"{error}\nusage: {command.usage}\nmore: mox help {command.words}") from None


def find_command(words: Sequence[str]) -> Command | None:
    """The command whose words come first; the longest one."""
    fitting = [one for one in ALL_COMMANDS if tuple(words[: len(one.words.split())]) == tuple(one.words.split())]
    return max(fitting, key=lambda one: len(one.words), default=None)


def starting_with(words: Sequence[str]) -> list[Command]:
    """The commands that begin with these words."""
    return [one for one in ALL_COMMANDS if words and one.words.split()[: len(words)] == list(words)]


def _no_command(words: Sequence[str]) -> int:
    """Lists what may have been meant, and says last why nothing was done."""
    typed = [word for word in words if not word.startswith("-")]
    meant = typed[: next(length for length in range(len(typed), -1, -1) if not length or starting_with(typed[:length]))]
    print(_USAGE, *_lines(starting_with(meant) or _listed()), sep="\n", file=sys.stderr)
    if meant != typed:
        print(f"there is no command {' '.join(typed[: len(meant) + 1])!r}", file=sys.stderr)
    elif typed:
        print(f"{' '.join(typed)!r} needs another word", file=sys.stderr)
    return MISUSED


def _listed() -> list[Command]:
    return [one for one in ALL_COMMANDS if one.is_listed]


def _lines(commands: Iterable[Command]) -> list[str]:
    rows = [(" ".join(part for part in (one.words, one.arguments) if part), one.summary) for one in commands]
    width = min(44, max(len(words) for words, _ in rows))
    return [f"  {words:{width}}  {summary}" for words, summary in rows]


def _help(invocation: Invocation) -> int:
    words = invocation.arguments
    command = find_command(words)
    if command is not None and command.words.split() == list(words):
        print(_full_help(command))
        return 0
    matching = starting_with(words) if words else _listed()
    if not matching:
        raise MailError(f"there is no command {' '.join(words)!r}; all commands: mox help")
    print(_USAGE, *_lines(matching), "", "More about one: mox help command", sep="\n")
    return 0


def _full_help(command: Command) -> str:
    flags = [f"  {flag!s:28}  {flag.help}" for flag in command.flags]
    parts = [f"usage: {command.usage}", command.help.strip(), *(["flags:\n" + "\n".join(flags)] if flags else [])]
    return "\n\n".join(parts)


def _help_all(invocation: Invocation) -> int:
    invocation.expect(0)
    print("\n\n\n".join(_full_help(command) for command in ALL_COMMANDS))
    return 0


def _version(invocation: Invocation) -> int:
    invocation.expect(0)
    print(f"mox {VERSION}")
    print(f"{platform.system().lower()}/{platform.machine()}, Python {platform.python_version()}")
    return 0


_HELP = Command(
    words="help",
    arguments="[command]",
    help="""Explain a command, or list the commands.

    mox help queue list
""",
    run=_help,
)

ALL_COMMANDS: tuple[Command, ...] = (
    *COMMANDS,
    Command(
        words="version",
        help="""Print the version.

    mox version
""",
        run=_version,
    ),
    _HELP,
    Command(
        words="helpall",
        help="""Print the help of every command.

    mox helpall | less
""",
        run=_help_all,
        is_listed=False,
    ),
)
