"""An export is read by other programs and holds every message with its flags, dates and bytes."""

from __future__ import annotations

import functools
import io
import mailbox as mailboxes
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import NoSuchMailbox, Refusal, StoreError
from app.operations.archives import zipwriting
from app.operations.archives.entry import Entry, small
from app.operations.archives.folderwriting import write_folder
from app.operations.mailexport.run import Container, Format, Wanted, stream, write_files
from app.operations.mailexport.source import Tally
from app.store.account.bodies import path_of
from app.store.account.handle import Account
from app.store.account.mailboxes import ensure
from app.store.account.readonly import ReadOnlyAccount
from app.wire.imap.flags import ANSWERED, FLAGGED, FORWARDED, JUNK, SEEN
from tests.support.accounts import add_now, simple_message, temporary_account

BIG = b"Subject: big\r\n\r\n" + b"".join(b"line %d\r\nFrom here\r\n" % number for number in range(120_000))
ODD = b"Subject: odd\r\n\r\nbare\nline\r\n"


@contextmanager
def filled(tmp_path: Path) -> Iterator[Account]:
    with temporary_account(tmp_path) as account:
        add_now(account, simple_message(1), flags=SEEN | FLAGGED, internaldate=1_700_000_000, keywords=("work",))
        add_now(
            account, b"Subject: from\r\n\r\nFrom me\r\n>From you\r\nno end", prefix=b"Return-Path: <a@b.example>\r\n"
        )
        add_now(account, BIG, "Archive", flags=ANSWERED | JUNK | FORWARDED)
        add_now(account, ODD, "Archive")
        yield account


def exported(account: Account, form: Format, container: Container, mailbox: str = "") -> bytes:
    tally = Tally()
    data = b"".join(stream(account, Wanted(format=form, container=container, mailbox=mailbox), tally))
    assert tally.faults == []
    assert tally.done == tally.expected
    return data


def test_zip_of_mboxes_opens_in_other_programs(tmp_path: Path) -> None:
    with filled(tmp_path) as account:
        data = exported(account, Format.MBOX, Container.ZIP)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Inbox.mbox", "Archive.mbox", "Sent.mbox", "Trash.mbox"]
        archive.extractall(tmp_path / "out")
    box = mailboxes.mbox(tmp_path / "out" / "Inbox.mbox")
    first, second = box
    assert (first["Subject"], second["Subject"]) == ("message 1", "from")
    assert (first["Status"], first["X-Status"], first["X-Keywords"]) == ("RO", "F", "work")
    assert "Nov 14 22:13:20 2023" in first.get_from()
    text = (tmp_path / "out" / "Inbox.mbox").read_bytes()
    assert b"From a@b.example " in text
    assert b"\n\n>From me\n>>From you\nno end\n\n" in text
    assert b"Status: O\r\nSubject: odd\r\n\r\nbare\nline\r\n\n" in (tmp_path / "out" / "Archive.mbox").read_bytes()


def test_tgz_of_maildirs_opens_in_other_programs(tmp_path: Path) -> None:
    with filled(tmp_path) as account:
        data = exported(account, Format.MAILDIR, Container.TGZ)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "out")
    inbox = mailboxes.Maildir(tmp_path / "out" / "Inbox", create=False)
    flags = sorted(message.get_flags() for message in inbox)
    assert flags == ["", "FSa"]
    assert (tmp_path / "out" / "Inbox" / "dovecot-keywords").read_text() == "0 work\n"
    [one] = (tmp_path / "out" / "Inbox" / "cur").glob("1700000000.U0000001.mox:2,FSa")
    assert one.read_bytes() == simple_message(1).replace(b"\r\n", b"\n")
    assert one.stat().st_mtime == 1_700_000_000
    assert (tmp_path / "out" / "Archive" / "dovecot-keywords").read_text() == "0 $Junk\n"
    files = sorted((tmp_path / "out" / "Archive" / "cur").iterdir(), key=lambda path: path.stat().st_size)
    assert [path.read_bytes() for path in files] == [ODD, BIG.replace(b"\r\n", b"\n")]
    assert files[1].name.endswith(":2,PRa")


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_zip_with_sizes_behind_and_large_numbers_passes_unzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipwriting, "_MAX32", 1000)  # as if files were over 4 GiB
    with filled(tmp_path) as account:
        data = exported(account, Format.MBOX, Container.ZIP)
    (tmp_path / "a.zip").write_bytes(data.replace(b"\xe8\x03\0\0", b"\xff\xff\xff\xff"))
    subprocess.run(["unzip", "-tq", tmp_path / "a.zip"], check=True, capture_output=True)


@pytest.mark.parametrize("form", Format)
def test_folder_is_written_without_touching_what_is_there(tmp_path: Path, form: Format) -> None:
    with filled(tmp_path) as account, ReadOnlyAccount(account.directory) as source:
        target = tmp_path / "out"
        assert write_files(source, Wanted(format=form), Tally(), target) == {"mbox": 4, "maildir": 6}[form.value]
        with pytest.raises(Refusal, match="is there already"):
            write_files(source, Wanted(format=form), Tally(), target)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_is_not_finished_is_taken_away(tmp_path: Path, is_there: bool) -> None:
    target = tmp_path / "deep" / "out"
    if is_there:
        target.mkdir(parents=True)

    def broken() -> Iterator[Entry]:
        yield small("a/b", b"text")
        yield small("c", b"text")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(broken(), target)
    assert list((tmp_path / "deep").rglob("*")) == ([target] if is_there else [])
    assert write_folder([small("a/b", b"text")], target) == 1
    assert (target / "a" / "b").read_bytes() == b"text"
    with pytest.raises(Refusal, match="is there already"):
        write_folder([small("c", b"text")], target)


def test_one_mailbox_comes_with_those_below_it_or_alone(tmp_path: Path) -> None:
    with filled(tmp_path) as account:
        for name in ("Archive/2019/cur", "Archived"):
            account.write_now(functools.partial(ensure, name=name))
        data = exported(account, Format.MBOX, Container.ZIP, "Archive")
        assert zipfile.ZipFile(io.BytesIO(data)).namelist() == [
            "Archive.mbox",
            "Archive/2019.mbox",
            "Archive/2019/cur_.mbox",
        ]
        assert exported(account, Format.MBOX, Container.NONE, "inbox").startswith(b"From mox Tue Nov 14")
        with pytest.raises(NoSuchMailbox, match="Inbox"):
            exported(account, Format.MBOX, Container.ZIP, "Archiv")


def test_message_that_cannot_be_read_is_listed_and_the_others_come(tmp_path: Path) -> None:
    with filled(tmp_path) as account:
        sql = "SELECT hash FROM body WHERE data IS NULL"
        path = path_of(account.directory / "msg", account.read_now(lambda db: db.execute(sql).fetchone()[0]))
        path.rename(tmp_path / "kept")
        tally = Tally()
        data = b"".join(stream(account, Wanted(format=Format.MAILDIR), tally))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert (tally.done, tally.written, tally.expected) == (4, 3, 4)
            assert archive.read("errors.txt").startswith(b"Archive, message 1: cannot read message file")
            assert sum("/cur/" in name and not name.endswith("/") for name in archive.namelist()) == 3
        (tmp_path / "kept").rename(path)


def test_directory_without_an_account_is_refused_and_nothing_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no account"):
        ReadOnlyAccount(tmp_path)
    assert list(tmp_path.iterdir()) == []
