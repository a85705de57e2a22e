"""An export: files of mailboxes in a folder, or an archive as a stream of bytes.

    for chunk in stream(source, Wanted(format=Format.MAILDIR, container=Container.ZIP), tally): ...

Both block, so a server runs them in a thread. What could not be read is in the file `errors.txt` at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.operations.archives.entry import Entry, small
from app.operations.archives.folderwriting import write_folder
from app.operations.archives.tarwriting import gzip, tar
from app.operations.archives.zipwriting import ZipWriter
from app.operations.mailexport import maildirs, mboxes
from app.operations.mailexport.source import Source, Tally, choose

ERRORS_FILE = "errors.txt"


class Format(Enum):
    """What the mail of a mailbox becomes."""

    MBOX = "mbox"
    MAILDIR = "maildir"


class Container(Enum):
    """What the files are put into."""

    ZIP = "zip"
    TGZ = "tgz"
    TAR = "tar"
    NONE = "none"  # one mbox file as it is


MEDIA_TYPES = {
    Container.ZIP: "application/zip",
    Container.TGZ: "application/gzip",
    Container.TAR: "application/x-tar",
    Container.NONE: "application/mbox",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported, and as what; without a mailbox everything."""

    format: Format
    container: Container = Container.ZIP
    mailbox: str = ""
    is_single: bool = False  # without the mailboxes below


def _entries(source: Source, wanted: Wanted, tally: Tally) -> Iterator[Entry]:
    chosen = choose(source, wanted.mailbox, is_single=wanted.is_single)
    tally.expected = sum(mailbox.total for mailbox in chosen)
    make = mboxes.entries if wanted.format is Format.MBOX else maildirs.entries
    yield from make(source, chosen, tally)
    if tally.faults:
        yield small(ERRORS_FILE, "".join(f"{fault}\n" for fault in tally.faults).encode())


def stream(source: Source, wanted: Wanted, tally: Tally, tmp_dir: Path | None = None) -> Iterator[bytes]:
    """The bytes of an archive; raises NoSuchMailbox, StoreError, Temporary with the first of them or later."""
    entries = _entries(source, wanted, tally)
    if wanted.container is Container.ZIP:
        return ZipWriter(tmp_dir).write(entries)
    if wanted.container is Container.TGZ:
        return gzip(tar(entries, tmp_dir))
    if wanted.container is Container.TAR:
        return tar(entries, tmp_dir)
    return _bare(source, wanted, tally)


def _bare(source: Source, wanted: Wanted, tally: Tally) -> Iterator[bytes]:
    """The bytes of an mbox file."""
    [mailbox] = choose(source, wanted.mailbox or "Inbox", is_single=True)
    tally.expected = mailbox.total
    for entry in mboxes.entries(source, [mailbox], tally):
        yield from entry.chunks


def write_files(source: Source, wanted: Wanted, tally: Tally, root: Path) -> int:
    """Write the files below a folder, which is made; how many. Raises Refusal, NoSuchMailbox, StoreError, Temporary."""
    return write_folder(_entries(source, wanted, tally), root)
