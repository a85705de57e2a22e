"""Sends a message as the sendmail program of a mail server would: for cron, web pages, scripts and mail programs.

It is this command, or the file itself when it is called by the name sendmail. Flags are those that every sendmail has;
most of them mean nothing here and are passed over. There is no queue: the message is handed to the mail server, or kept
in a file. Exit codes are those that callers know from sysexits.h.
"""

from __future__ import annotations

import getopt
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Invocation
from app.errors import ConfigError, Refusal

if TYPE_CHECKING:
    from app.config.submitfile import Submit

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_CANTCREAT = 64, 65, 66, 69, 73
EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 75, 77, 78
FAILURES = "moxsubmit.failures"
_FLAGS = "A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q:tvx"  # as sendmail and its kin have them
_MODES = {"m": True, "s": False, "p": False, "d": False, "i": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked for on the command line."""

    recipients: tuple[str, ...]
    from_header: bool  # -t
    name: str  # -F
    config: str  # -C


def is_called(program: str) -> bool:
    """Whether the program was started by the name sendmail."""
    return Path(program).name == "sendmail"


def read_call(words: Sequence[str]) -> Call:
    """The command line; raises Refusal for what is no sendmail."""
    try:
        flags, rest = getopt.gnu_getopt(list(words), _FLAGS)
    except getopt.GetoptError as error:
        raise Refusal(f"sendmail: {error}") from None
    given = dict(flags)
    if not _MODES.get(given.get("-b", "m")[:1], True):
        raise Refusal(f"sendmail: -b{given['-b']} is not possible: there is no queue and no server behind this program")
    return Call(
        recipients=tuple(rest),
        from_header="-t" in given,
        name=given.get("-F", "").strip(),
        config=given.get("-C", ""),
    )


def send(words: Sequence[str]) -> int:
    """Read a message and hand it over; the exit code."""
    from app.operations.handingover import HandingFailed

    try:
        call = read_call(words)
    except Refusal as error:
        return _fail(str(error), EX_USAGE)
    data = sys.stdin.buffer.read()  # before anything can fail, so that it can be kept
    try:
        submit = _submit(call)
    except OSError as error:
        text = f"{error.filename}: {error.strerror}; 'mox config describe-sendmail' shows what goes in"
        return _fail(_kept(data, text), EX_CONFIG)
    except ConfigError as error:
        return _fail(_kept(data, "\n".join(map(str, error.problems))), EX_CONFIG)
    try:
        _hand_over(call, submit, data)
    except Refusal as error:
        return _fail(_kept(data, f"sendmail: {error.public}"), EX_DATAERR)
    except HandingFailed as error:
        code = EX_TEMPFAIL if error.is_temporary else EX_NOPERM if error.is_denied else EX_UNAVAILABLE
        return _fail(_kept(data, f"sendmail: {error}"), code)
    except BaseException:
        print(_kept(data, "sendmail: stopped"), file=sys.stderr)
        raise
    return 0


def _submit(call: Call) -> Submit:
    from app.config.submitfile import SUBMIT_FILE, load_submit

    is_own = os.getgid() == os.getegid() and os.getuid() == os.geteuid()
    if call.config and not is_own:  # who lends us rights to read one file does not want others read
        raise OSError(1, "another file is not read with the rights of another group", call.config)
    return load_submit(Path(call.config) if call.config else SUBMIT_FILE)


def _hand_over(call: Call, submit: Submit, data: bytes) -> None:
    import asyncio
    from datetime import datetime

    from app.operations.handedmail import Handed, Sender, compose, recipients
    from app.operations.handingover import hand_over
    from app.wire.smtp.address import parse_address

    sender = Sender(
        address=parse_address(submit.from_),
        local_hostname=submit.local_hostname,
        default=parse_address(submit.default_destination) if submit.default_destination else None,
        name=call.name,
        allows_weak_tls=submit.require_tls == "no",
    )
    handed = Handed.read(data)
    to = recipients(handed, call.recipients, sender, from_header=call.from_header)
    asyncio.run(hand_over(submit, to, compose(handed, to, sender, datetime.now().astimezone())))


def _kept(data: bytes, text: str) -> str:
    """Keep the message as it was handed to us, and say where."""
    try:
        directory = Path.home() / FAILURES
        directory.mkdir(mode=0o700, exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix="newmsg.", dir=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except (OSError, RuntimeError) as error:  # no home, or one that cannot be written
        return f"{text}\nsendmail: the message could not be kept either: {error}"
    return f"{text}\nsendmail: the message is kept in {path}"


def _fail(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _run(invocation: Invocation) -> int:
    return send(invocation.arguments)


COMMANDS = (
    Command(
        words="sendmail",
        arguments="[-t] [-Fname] [-Cfile] [address...] <message",
        takes_flags=True,
        help="""Send a message from standard input, as the sendmail program of other mail servers does.

For cron, web pages, scripts and mail programs on machines without a mail server of their own. The message goes to the
mail server that /etc/moxsubmit.conf names, or the file after -C; 'mox config describe-sendmail' prints one to fill in.
Mail for names without a domain, such as root, goes to DefaultDestination.

With -t, recipients are those in To, Cc and Bcc as well. -F gives the name of the author; the address is the From of the
file. Other flags that sendmail has are passed over. From and Bcc in the message are replaced, what is missing is added.
A message that cannot be sent is kept in moxsubmit.failures in the home directory. Exit codes are those of sysexits.h:
75 when another try may help.

A link with the name sendmail does the same:

    ln -s /usr/local/bin/mox.pyz /usr/sbin/sendmail
    mox sendmail root <report.txt
""",
        run=_run,
    ),
)
