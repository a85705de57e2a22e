"""The commands that import archives of mail: the running server gets them sent, or without one they are read here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.imapimport import finish
from app.cli.listing import one_line
from app.cli.progress import Lines, Seldom
from app.cli.running import ask_server
from app.cli.standalone import locked, open_data
from app.ctl.client import NotRunning
from app.ctl.protocol import CHUNK_BYTES, Json
from app.errors import Refusal

if TYPE_CHECKING:
    from app.ctl.protocol import Arguments
    from app.operations.archives.entry import Entry
    from app.operations.archives.member import Member


class _Teller(Seldom):
    """Prints now and then how far an import is."""

    def tell(self, row: Json) -> None:
        """A state."""
        if isinstance(row, dict) and isinstance(row["share"], float):
            self.say(f"{row['share']:.0%}, {row['summary']}; now {row['mailbox']}")

    def sent(self, size: int) -> None:
        """So many bytes have gone to the server."""
        self.say(f"{size >> 20} MB sent to the server")


def _import(invocation: Invocation, account: str, source: str, into: str, *, below: bool = False) -> int:
    path = Path("/dev/stdin" if source == "-" else source)
    if not path.exists():
        raise Refusal(f"there is no {path}")
    arguments: dict[str, Json] = {
        "account": account,
        "name": _shown(path.resolve().name if path.name in ("", "..") else path.name),
        "into": into,
        "below": below,
        "strip": invocation.text("strip"),
        "copies": invocation.given("copies"),
    }
    teller = _Teller()
    try:
        with ask_server(invocation) as client:
            return finish(client.call("importarchive", arguments, _told(_sent(path), teller), Lines(teller.tell).feed))
    except NotRunning as no_server:
        return finish(_import_here(invocation, path, arguments, teller, no_server))


def _shown(name: str) -> str:
    """A name that can be sent and stored: of bytes that are no UTF-8 only that they were there."""
    return os.fsencode(name).decode("utf-8", "replace")


def _told(pieces: Iterator[bytes], teller: _Teller) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        yield piece
        size += len(piece)
        teller.sent(size)


def _sent(path: Path) -> Iterator[bytes]:
    """The bytes for the server, of the file or an archive of the folder, which it may have no right to read."""
    if path.is_dir():
        from app.operations.archives.tarwriting import tar

        yield from tar(_entries(path))
        return
    try:
        with path.open("rb") as file:
            while data := file.read(16 * CHUNK_BYTES):
                yield data
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}") from None


def _entries(path: Path) -> Iterator[Entry]:
    from app.operations.archives.entry import Entry
    from app.operations.archives.folderreading import FolderArchive
    from app.operations.archives.member import MemberBroken

    with FolderArchive(path) as folder:
        for member in folder.members():
            if member.path.endswith("/"):
                yield Entry(path=member.path)
                continue
            try:
                first = member.read(CHUNK_BYTES) if not member.fault else b""
            except MemberBroken as error:
                print(one_line(f"{member.path} is left out: {error.public}"), file=sys.stderr)
                continue
            if member.fault:
                print(one_line(f"{member.path} is left out: {member.fault}"), file=sys.stderr)
                continue
            yield Entry(path=member.path, size=None, chunks=_rest(member, first))


def _rest(member: Member, first: bytes) -> Iterator[bytes]:
    while first:
        yield first
        first = member.read(CHUNK_BYTES)


def _import_here(
    invocation: Invocation, path: Path, arguments: dict[str, Json], teller: _Teller, no_server: NotRunning
) -> Json:
    import asyncio

    from app.ctl.protocol import Arguments

    with locked(invocation, no_server):
        return asyncio.run(_run_here(invocation, path, Arguments(arguments), teller))


async def _run_here(invocation: Invocation, path: Path, arguments: Arguments, teller: _Teller) -> Json:
    import asyncio

    from app.ctl.archivecommands import row, wishes
    from app.ctl.following import TELL_EVERY_S
    from app.operations.mailimport.layout import Names
    from app.operations.mailimport.run import Keeping, Run, Wanted

    _, accounts = open_data(invocation)
    wish = wishes(arguments)
    kept: Path | None = None
    try:
        account = await accounts.open(arguments.text("account"))
        kept = await asyncio.to_thread(_keep, path, accounts.tmp_dir)
        wanted = Wanted(
            path=kept or path,
            name=wish.name,
            names=Names(into=wish.into, strip=wish.strip),
            skips_present=wish.skips_present,
        )
        run = Run(wanted, account, accounts.tmp_dir, Keeping())
        task = asyncio.create_task(run.go())
        while not (await asyncio.wait([task], timeout=TELL_EVERY_S))[0]:
            teller.tell(row(run.progress))
        progress = run.progress
        return row(progress) | {"problems": list(progress.problems), "problem_count": progress.problem_count}
    finally:
        if kept is not None:
            os.unlink(kept)
        accounts.close()


def _keep(path: Path, tmp_dir: Path) -> Path | None:
    """What comes through a pipe, in a file; None for what is one."""
    import tempfile

    if path.is_dir() or path.is_file():
        return None
    with tempfile.NamedTemporaryFile(dir=tmp_dir, prefix="import-", delete=False) as file:
        for piece in _sent(path):
            file.write(piece)
    return Path(file.name)


def _archive(invocation: Invocation) -> int:
    account, source = invocation.expect(2)
    return _import(invocation, account, source, invocation.text("into"), below=True)


def _mailbox(invocation: Invocation) -> int:
    account, mailbox, source = invocation.expect(3)
    return _import(invocation, account, source, mailbox)


_COPIES = Flag("copies", "take also messages that their mailbox holds already", Value.NOTHING)
_STRIP = Flag("strip", "leave out this beginning of the paths that have it", placeholder="path")
_MORE = """
What is there already, byte for byte, is not taken again, so an import that was ended is simply run again. With a
running server the archive is sent to it, and mail goes on meanwhile. What cannot be taken is listed at the end.
"""

COMMANDS = (
    Command(
        words="import maildir",
        arguments="account mailbox folder",
        help=f"""Import a Maildir into a mailbox, with flags, keywords and dates.

`folder` holds `cur` and `new`, or is a zip, tar or tgz of such folders. Mailboxes within (Work/cur) or beside it
(.Work/cur, as Maildir++) come below `mailbox`. Keywords are read from dovecot-keywords, dates from the names of files.
{_MORE}
    mox import maildir jane Inbox old/Maildir
""",
        run=_mailbox,
        flags=(_COPIES,),
    ),
    Command(
        words="import mbox",
        arguments="account mailbox file",
        help=f"""Import an mbox file into a mailbox, with flags, keywords and dates.

The file may be compressed with gzip, and - is standard input. Flags are read from Status, X-Status, X-Keywords, and
from what Thunderbird and Gmail write instead.
{_MORE}
    mox import mbox jane Archive/2019 2019.mbox
""",
        run=_mailbox,
        flags=(_COPIES,),
    ),
    Command(
        words="import archive",
        arguments="account file",
        help=f"""Import all mailboxes of a zip, tar or tgz archive, or of a folder.

Mailboxes are called as the mbox files and Maildirs in it are; 'mox export' makes such archives, Google Takeout,
Thunderbird and Apple Mail have such folders.
{_MORE}
    mox import archive jane takeout.zip
    mox import archive -into "From before" jane backup.tgz
""",
        run=_archive,
        flags=(Flag("into", "a mailbox that all of it comes below", placeholder="mailbox"), _STRIP, _COPIES),
    ),
)
