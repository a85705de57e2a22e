"""The commands that write the mail of an account to files. They read the account from disk, with or without a running
server."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import one_line
from app.cli.running import data_dir
from app.errors import Temporary

if TYPE_CHECKING:
    from app.operations.mailexport.run import Wanted
    from app.operations.mailexport.source import Tally
    from app.store.account.readonly import ReadOnlyAccount

TELL_EVERY_S = 5.0


def _export(invocation: Invocation, word: str) -> int:
    from app.operations.mailexport.run import Container, Format, Wanted
    from app.operations.mailexport.source import Tally
    from app.store.account.readonly import ReadOnlyAccount

    target, account, *rest = invocation.expect(2, 3)
    if not target:
        raise UsageError("destination is empty; name a new folder, or with -archive a file")
    archive = invocation.text("archive")
    try:
        container = Container(archive) if archive else Container.NONE
    except ValueError:
        raise UsageError("-archive is zip, tgz or tar") from None
    if invocation.given("single") and not rest:
        raise UsageError("-single is about one mailbox; name it after the account")
    wanted = Wanted(
        format=Format(word),
        container=container,
        mailbox=rest[0] if rest else "",
        is_single=invocation.given("single"),
    )
    tally = Tally()
    with ReadOnlyAccount(_directory(invocation, account)) as source:
        _write(source, wanted, tally, Path(target))
    for fault in tally.faults:
        print(one_line(fault), file=sys.stderr)
    said = sys.stderr if target == "-" else sys.stdout
    print(f"{tally.written} of {tally.expected} messages written to {target}", file=said)
    return 1 if tally.fault_count else 0


def _directory(invocation: Invocation, account: str) -> Path:
    """An account is named, or its directory is."""
    path = Path(account)
    if os.sep in account or (path / "index.db").is_file():
        return path
    return data_dir(invocation) / "accounts" / account


def _write(source: ReadOnlyAccount, wanted: Wanted, tally: Tally, target: Path) -> None:
    from app.operations.mailexport import run

    if wanted.container is run.Container.NONE:
        run.write_files(source, wanted, tally, target)
        return
    if target == Path("-"):
        for chunk in run.stream(source, wanted, tally):
            sys.stdout.buffer.write(chunk)
        return
    _write_archive(run.stream(source, wanted, tally), target, tally)


def _write_archive(chunks: Iterable[bytes], target: Path, tally: Tally) -> None:
    """Write beside, and put in place when it is whole."""
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            try:
                for chunk in _told(chunks, tally):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise Temporary(f"cannot write {target}: {error.strerror}") from None


def _told(chunks: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    told = time.monotonic()
    for chunk in chunks:
        yield chunk
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            print(one_line(f"{tally.mailbox}: {tally.done} of {tally.expected} messages"), file=sys.stderr)


def _maildir(invocation: Invocation) -> int:
    return _export(invocation, "maildir")


def _mbox(invocation: Invocation) -> int:
    return _export(invocation, "mbox")


_FLAGS = (
    Flag("single", "the mailbox alone, without those below it", Value.NOTHING),
    Flag("archive", "write one file instead of a folder: zip, tgz or tar", placeholder="kind"),
)
_MORE = """
`account` is its name, or its directory. Without a mailbox all are written; with one, it and those below it. The server
may run meanwhile; what comes while this runs is left out. `destination` is a new or an empty folder, or with -archive a
file, which is replaced, or - for standard output. What cannot be read is listed at the end and in errors.txt.
"""

COMMANDS = (
    Command(
        words="export maildir",
        arguments="destination account [mailbox]",
        help=f"""Write the mail of an account as Maildirs, a folder for each mailbox.

Flags are in the names of the files, other keywords in dovecot-keywords; Dovecot, mutt and this program read it.
{_MORE}
    mox export maildir -archive tgz jane.tgz jane
    mox export maildir sent-2025 jane Sent/2025
""",
        run=_maildir,
        flags=_FLAGS,
    ),
    Command(
        words="export mbox",
        arguments="destination account [mailbox]",
        help=f"""Write the mail of an account as mbox files, one for each mailbox.

Lines that begin with "From " get a ">" in front (mboxrd); flags are in the fields Status, X-Status and X-Keywords.
Thunderbird (with an add-on), Apple Mail, mutt and this program read it.
{_MORE}
    mox export mbox jane-mail jane
""",
        run=_mbox,
        flags=_FLAGS,
    ),
)
