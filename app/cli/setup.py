"""Set-up mode, which starts when there is no configuration, and the command that makes a new link to it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from app.cli.command import Command, Flag, Invocation, Value, program
from app.cli.quickstart import archive
from app.ctl.client import connect
from app.ctl.protocol import Json
from app.errors import Refusal

DIRECTORY = Flag("directory", "where config and data will be; else the working directory", placeholder="directory")
LISTEN = Flag("listen", "let others reach the set-up, over HTTPS, at this address", placeholder="address[:port]")
NO_BROWSER = Flag("nobrowser", "do not open a browser", Value.NOTHING)
FLAGS = (LISTEN, DIRECTORY, NO_BROWSER)


def is_wanted(config: Path) -> bool:
    """Whether starting without a command means the set-up: there is no configuration, or a set-up is not over."""
    from quickstart.draft import DraftFile
    from quickstart.wizard import SETUP_DIRECTORY

    return not config.exists() or DraftFile(Path.cwd() / SETUP_DIRECTORY).exists()


def _setup(invocation: Invocation) -> int:
    invocation.expect(0)
    from quickstart.running import Place, Start, only_one, parse_place, run
    from quickstart.wizard import SETUP_DIRECTORY

    directory = Path(invocation.text("directory") or ".").absolute()
    place = parse_place(invocation.text("listen")) if invocation.given("listen") else Place()
    _require_room(directory)
    with only_one(directory / SETUP_DIRECTORY):
        return run(
            Start(
                directory=directory,
                place=place,
                program=program(),
                archive=archive(),
                server_command=_server_command(),
                call=_call,
                opens_browser=not invocation.given("nobrowser"),
            )
        )


def _server_command() -> Sequence[str]:
    """The words that start this program again."""
    if found := archive():
        return (sys.executable, found)
    return (sys.executable, "-c", "import sys; from app.cli.main import main; sys.exit(main(sys.argv[1:]))")


def _call(data_dir: Path, operation: str, arguments: Mapping[str, object]) -> object:
    """The running server's answer, over its control socket."""
    with connect(data_dir) as client:
        return client.call(operation, cast(Mapping[str, Json], arguments))


def _require_room(directory: Path) -> None:
    """Refuse a directory in which a set-up could only fail."""
    from quickstart.draft import DraftFile
    from quickstart.running import closed_place
    from quickstart.wizard import SETUP_DIRECTORY

    if not directory.is_dir():
        raise Refusal(f"there is no directory {directory}; make it first")
    if os.geteuid() == 0 and (closed := closed_place(directory)):
        raise Refusal(
            f"mox gives up root, and other users may not enter {closed}. Set it up where everyone may pass, with:\n"
            f"    mkdir -p /srv/mox && cd /srv/mox && {_program_here()}"
        )
    if os.geteuid() == 0 and (closed := closed_place(Path(os.__file__).parent)):
        raise Refusal(
            f"mox gives up root, and other users may not enter {closed}, where this Python is. Run it with a Python "
            f"for all users, such as /usr/bin/python3 {shlex.quote(sys.argv[0])}"
        )
    if (directory / "config").exists() and not DraftFile(directory / SETUP_DIRECTORY).exists():
        raise Refusal(f"there is a configuration in {directory} already; start the server with: {program()} serve")


def _program_here() -> str:
    """How the program is started from another directory."""
    return f"python3 {shlex.quote(str(Path(sys.argv[0]).absolute()))}" if sys.argv[0].endswith(".pyz") else "mox"


def _renew(invocation: Invocation) -> int:
    invocation.expect(0)
    from quickstart.running import renew_link

    directory = Path(invocation.text("directory") or ".").absolute()
    print(*renew_link(directory), sep="\n")
    return 0


SETUP = Command(
    words="setup",
    help="""Set up a mail server in the browser.

This is what happens without a command when there is no configuration. Prints a link that opens the set-up, once; what
was answered is kept, so that a set-up that was interrupted goes on where it was. It listens on loopback, so from
elsewhere it is reached through SSH (the line to use is printed), or with -listen over HTTPS with a certificate made
here, whose fingerprint is printed.

    mox setup -listen 192.0.2.10:8000
""",
    flags=FLAGS,
    run=_setup,
)

COMMANDS = (
    SETUP,
    Command(
        words="setup-link",
        help="""Make a new link to the set-up that runs.

The link before stops working, and so does the session of the browser that used one, as soon as the new one is used.

    mox setup-link
""",
        flags=(DIRECTORY,),
        run=_renew,
    ),
)
