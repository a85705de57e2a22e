"""What was exported comes back as it was; what others made or broke is taken as far as it goes, and told."""

from __future__ import annotations

import asyncio
import functools
import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.archives import folderreading, member
from app.operations.mailexport.mboxes import write_message
from app.operations.mailexport.run import Container, Format, stream, write_files
from app.operations.mailexport.run import Wanted as Exported
from app.operations.mailexport.source import Outgoing, Tally
from app.operations.mailimport.layout import Names
from app.operations.mailimport.mboxes import MboxReader
from app.operations.mailimport.progress import State
from app.operations.mailimport.run import Keeping, Progress, Run, Wanted
from app.store.account.handle import Account
from app.store.account.mailboxes import ensure
from app.store.account.reader import MessageBytes, read_message
from app.wire.imap.flags import ANSWERED, FLAGGED, JUNK, SEEN, write_flags
from tests.support.accounts import add_now, simple_message, temporary_account

MBOX = b"From a@b Tue Nov 14 22:13:20 2023\nSubject: one\n\ntext\n\n"


def take(account: Account, path: Path, names: Names = Names(), **more: bool) -> Progress:  # noqa: B008
    async def go() -> Progress:
        tmp_dir = account.directory / "tmp"
        tmp_dir.mkdir(exist_ok=True)
        run = Run(Wanted(path=path, name=path.name, names=names, **more), account, tmp_dir, Keeping())
        await run.go()
        assert list(tmp_dir.iterdir()) == []
        return run.progress

    return asyncio.run(go())


def held(account: Account) -> list[str]:
    """All messages: mailbox, flags, date, bytes."""
    sql = """SELECT m.name, x.flags, x.keywords, x.internaldate, x.content_id FROM mailbox m LEFT JOIN message x
        ON x.mailbox_id = m.id ORDER BY m.name, x.uid"""

    def read(db):  # type: ignore[no-untyped-def]
        for name, flags, keywords, date, content_id in db.execute(sql).fetchall():
            if content_id is None:
                yield name
                continue
            message = read_message(db, account.directory / "msg", content_id)
            assert message is not None
            yield f"{name} {write_flags(flags, keywords)!r} {date} {message.whole()!r}"

    return account.read_now(lambda db: list(read(db)))  # type: ignore[no-untyped-call]


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


MESSAGES = (
    (b"Subject: x\r\n\r\nFrom me\r\n>From you\r\n\r\nFrom a@b Tue Nov 14 22:13:20 2023\r\n", "Inbox", 0, (), 5),
    (b"Status: own\r\nX-Status: own\r\n\r\n", "Inbox", SEEN, ("a,b", "label1"), 5),
    (b"A: b\r\n\r\nbare\nline\r\n", "Work/2019/Café", 1023, ("work",), 4_000_000_000),
    (b"A: b\r\n\r\n\xff\0\r\r\n", "Work/2019/Café", FLAGGED, ("$other", "z'"), 4_000_000_001),
    (b"\r\n", "Sent Items", ANSWERED | JUNK, (), 0),
    (b"\r\n", "Sent Items", ANSWERED | JUNK, (), 0),
    (b"A: b\r\n\r\n" + b"From x\r\nlong \r\n" * 100_000, "_1 \u65e5", SEEN, (), 1),
)


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("container", [Container.ZIP, Container.TGZ, None])
def test_what_was_exported_comes_back_as_it_was(tmp_path: Path, form: Format, container: Container | None) -> None:
    target = tmp_path / "export"
    with temporary_account(tmp_path / "a") as account:
        for data, mailbox, flags, keywords, date in MESSAGES:
            account.write_now(functools.partial(ensure, name=mailbox))
            add_now(account, data, mailbox, flags, keywords=keywords, internaldate=date)
        before = held(account)
        if container is None:
            write_files(account, Exported(format=form), Tally(), target)
        else:
            target.write_bytes(b"".join(stream(account, Exported(format=form, container=container), Tally())))
    with temporary_account(tmp_path / "b") as account:
        progress = take(account, target)
        assert (progress.state, progress.words, list(progress.problems)) == (State.DONE, "", [])
        assert held(account) == before
        assert progress.taken == len(MESSAGES)
        again = take(account, target)
        assert (again.taken, again.present) == (0, len(MESSAGES))


LINE = st.sampled_from([b"", b"text", b"From me", b"From a@b Tue Nov 14 22:13:20 2023", b">From x", b"\xff\0", b"\r"])
FRONT = st.sampled_from([b"Subject: x", b"\xc3\xa4: y", b"Status: own\r\nX-Keywords: own", b"X-Status: F"])
TEXT = st.builds(
    lambda front, lines, end: front + b"\r\n\r\n" + b"".join(line + end for line in lines),
    FRONT,
    st.lists(LINE, max_size=8),
    st.sampled_from([b"\r\n", b"\r\n", b"\n"]),
)
WORDS = st.sampled_from(["", "work", "$other a,b work"])


@given(st.lists(st.tuples(TEXT, st.integers(0, 1023), WORDS, st.integers(0, 1 << 37)), max_size=6))
def test_any_messages_go_through_an_mbox_unchanged(messages: list[tuple[bytes, int, str, int]]) -> None:
    written = b"".join(
        chunk
        for data, flags, words, date in messages
        for chunk in write_message(Outgoing(1, flags, words, date, MessageBytes(b"", data, b"")))
    )
    read = [
        (bytes(one.sink.finish().data), one.sink.flags.bits, " ".join(one.sink.flags.keywords), one.received)
        for one in MboxReader(io.BytesIO(written).read, Path("/nonexistent")).messages()
    ]
    assert read == messages


def test_archives_of_other_programs(tmp_path: Path) -> None:
    files = {
        "Takeout/Mail/All mail.mbox": MBOX.replace(b"Subject", b"X-Gmail-Labels: Opened\nSubject"),
        "Takeout/Mail/Work.sbd/2019": MBOX,
        "Takeout/Mail/Apple.mbox/mbox": MBOX,
        "Takeout/Mail/single/1.eml": simple_message(7),
        "Takeout/Mail/Work.msf": b"nothing",
        "Takeout/Mail/readme.txt": b"hello",
        "__MACOSX/Takeout/Mail/._x.mbox": b"\0",
    }
    with temporary_account(tmp_path) as account:
        progress = take(account, zipped(tmp_path / "x.zip", files))
        assert progress.state is State.DONE
        assert list(progress.problems) == ["Takeout/Mail/readme.txt is left out: it is no mail"]
        names = [line.partition(" b'")[0] for line in held(account) if " b'" in line]
        assert names == ["All mail", "Apple", "Work/2019", "single"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_maildir_with_mailboxes_beside_it(tmp_path: Path, mode: str) -> None:
    files = {
        "home/Maildir/cur/1700000000.M1.host:2,Sab": b"A: b\n\nx\n",
        "home/Maildir/new/1700000001.M1.host": b"A: c\n\nx",
        "home/Maildir/tmp/1700000002.M1.host": b"half",
        "home/Maildir/.Entw&APw-rfe.Alt/cur/1700000003.M1.host:2,FT": b"A: d\r\n\r\nx\r\n",
        "home/Maildir/.Sent/cur/odd name \xe9": b"A: e\n\n",
        "home/Maildir/dovecot-keywords": b"0 work\n1 NonJunk\n",
        "home/Maildir/subscriptions": b"Sent\n",
        "home/Maildir/" + "long" * 40 + "/cur/1700000004.x:2,": b"A: f\n\n",
    }
    with temporary_account(tmp_path) as account:
        progress = take(account, tarred(tmp_path / "x", files, mode))
        assert list(progress.problems) == []
        lines = [line for line in held(account) if " b'" in line]
        assert lines[:3] == [
            "Entwürfe/Alt b'(\\\\Flagged \\\\Deleted)' 1700000003 b'A: d\\r\\n\\r\\nx\\r\\n'",
            "Inbox b'(\\\\Seen $NotJunk work)' 1700000000 b'A: b\\r\\n\\r\\nx\\r\\n'",
            "Inbox b'()' 1700000001 b'A: c\\r\\n\\r\\nx'",
        ]
        assert [line.split(" ")[0] for line in lines[3:]] == ["Sent", "long" * 40]


def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path) -> None:
    files = {"../../etc/cur/1.x:2,S": b"A: b\n\n", "/root/x.mbox": MBOX, "..\\..\\win/new/1": b"A: c\n\n"}
    with temporary_account(tmp_path / "in") as account:
        progress = take(account, zipped(tmp_path / "x.zip", files))
        assert progress.taken == 3
        assert {line.split(" b'")[0] for line in held(account) if " b'" in line} == {"_/_/etc", "root/x", "_/_/win"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "x.zip"]


def test_names_in_modified_utf7_are_read_where_they_can_be_nothing_else(tmp_path: Path) -> None:
    files = {
        "mail/Work/&AMQ-rger/cur/1.x:2,S": b"A: b\n\n",  # Dovecot's layout "fs"
        "mail/Tom & Jerry/cur/1.x:2,S": b"A: c\n\n",
        "mail/A&-B/cur/1.x:2,S": b"A: d\n\n",
        "mail/INBOX.sbd/caf&AOk-": MBOX,  # Thunderbird's copy of a mailbox on a server
    }
    with temporary_account(tmp_path) as account:
        assert take(account, zipped(tmp_path / "a.zip", files)).state is State.DONE
        names = {line.partition(" b'")[0] for line in held(account)}
        assert names >= {"Work/\xc4rger", "Tom & Jerry", "A&-B", "Inbox/caf\xe9"}


def test_links_and_strange_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(MBOX)
    folder = tmp_path / "folder"
    (folder / "cur").mkdir(parents=True)
    (folder / "cur" / "1.x:2,S").symlink_to(tmp_path / "secret")
    (folder / "more").symlink_to(tmp_path)
    os.mkfifo(folder / "cur" / "2.x:2,S")
    (folder / "cur" / os.fsdecode(b"3.\xff:2,S")).write_bytes(b"A: b\n\n")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(folder, "folder")
    info = zipfile.ZipInfo("cur/1.x:2,S")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with temporary_account(tmp_path / "in") as account:
        for path, taken in ((folder, 1), (tmp_path / "x.tar", 1), (tmp_path / "x.zip", 0)):
            progress = take(account, path)
            assert (progress.state, progress.taken) == (State.DONE, taken)
            assert "is left out: it is a link" in " ".join(progress.problems)


def test_folder_that_is_called_like_a_file_of_a_mail_program_is_taken(tmp_path: Path) -> None:
    names = ("Subscriptions", "Dovecot", "server.log")
    files = {**{f"Mail/{name}": MBOX for name in names}, "Mail/dovecot.index.log": b"\x01\x02", "Mail/Inbox": MBOX}
    with temporary_account(tmp_path) as account:
        progress = take(account, zipped(tmp_path / "a.zip", files))
        assert (progress.state, progress.taken, list(progress.problems)) == (State.DONE, 4, [])
        assert {line.split(" ")[0] for line in held(account)} >= {*names}


def test_cut_off_archives_give_what_is_whole_and_say_so(tmp_path: Path) -> None:
    files = {f"In/cur/{number}.x:2,S": simple_message(number) + os.urandom(2000) for number in range(1, 40)}
    whole = tarred(tmp_path / "whole.tgz", files).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    plain = tarred(tmp_path / "whole.tar", files, "w").read_bytes()
    (tmp_path / "cut.tar").write_bytes(plain[: len(plain) // 2 + 700])
    (tmp_path / "cut.mbox.gz").write_bytes(gzip.compress(MBOX * 5000)[:-12])
    (tmp_path / "cut.zip").write_bytes(zipped(tmp_path / "whole.zip", files).read_bytes()[:-30])
    for name, least, most in (("cut.tgz", 15, 20), ("cut.tar", 15, 20), ("cut.mbox.gz", 1, 5000), ("cut.zip", 0, 0)):
        with (
            temporary_account(tmp_path / name / "in")
            if False
            else temporary_account(tmp_path / f"in-{name}") as account
        ):
            progress = take(account, tmp_path / name)
            assert progress.state is State.FAILED
            assert "cut off" in progress.words
            assert least <= progress.taken <= most


def test_damaged_file_in_a_zip_is_told_and_the_others_come(tmp_path: Path) -> None:
    files = {f"In/cur/{number}.x:2,S": simple_message(number) for number in range(3)}
    data = bytearray(zipped(tmp_path / "x.zip", files).read_bytes())
    data[data.find(b"2,S") + 30] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(data)
    with temporary_account(tmp_path / "in") as account:
        progress = take(account, tmp_path / "x.zip")
        assert (progress.state, progress.taken) == (State.DONE, 2)
        assert "In/cur/0.x:2,S: it is damaged" in " ".join(progress.problems)


def test_bomb_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "MAX_EXPANDED", 1 << 20)
    path = zipped(tmp_path / "x.zip", {f"{number}.mbox": MBOX + bytes(4 << 20) for number in range(3)})
    with temporary_account(tmp_path / "in") as account:
        progress = take(account, path)
        assert progress.state is State.FAILED
        assert "very much more than its own size" in progress.words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"!BDN....", "Outlook"),
        (b"hello", "neither a zip or tar archive nor an mbox"),
        (b"", "neither a zip"),
        (b"PK\x03\x04 and nothing", "cut off or damaged"),
        (b"\x1f\x8bnothing", "cut off"),
    ],
)
def test_what_is_no_archive_is_refused_with_what_to_do(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with temporary_account(tmp_path / "in") as account:
        progress = take(account, tmp_path / "x")
        assert progress.state is State.FAILED
        assert words in progress.words


def test_full_account_takes_whole_batches_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.mbox"
    path.write_bytes(b"".join(MBOX.replace(b"one", b"%d" % number) for number in range(250)))
    with temporary_account(tmp_path / "in", quota_bytes=150 * 28) as account:
        progress = take(account, path)
        assert (progress.state, progress.taken) == (State.FULL, 100)
        assert "quota" in progress.words
        account.quota_bytes = 0
        assert take(account, path).taken == 150


def test_names_are_given_by_who_imports(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"old/a.mbox": MBOX, "old/b.mbox": MBOX})
    (tmp_path / "one.mbox").write_bytes(MBOX)
    with temporary_account(tmp_path / "in") as account:
        take(account, path, Names(strip="old", into="From before"))
        take(account, tmp_path / "one.mbox", Names(into="inbox/One"), skips_present=False)
        names = {line.partition(" b'")[0] for line in held(account) if " b'" in line}
        assert names == {"From before/a", "From before/b", "Inbox/One"}


def test_a_beginning_is_left_out_of_the_paths_that_have_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"old/deep/a.mbox": MBOX, "old/b.mbox": MBOX, "other/c.mbox": MBOX})
    with temporary_account(tmp_path / "in") as account:
        take(account, path, Names(strip="/old/"))
        names = {line.partition(" b'")[0] for line in held(account) if " b'" in line}
        assert names == {"deep/a", "b", "other/c"}


def test_large_folder_is_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folderreading, "NAMES_AT_ONCE", 3)
    names = [b"5.a", b"10.b", b"10.a", b"7.x", b"x", b"7.a", b"100.a", b"6.a", b"1.a", b"2.a"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    ordered = [b"x", b"1.a", b"2.a", b"5.a", b"6.a", b"7.a", b"7.x", b"10.a", b"10.b", b"100.a"]
    assert list(folderreading.ordered(os.fsencode(tmp_path))) == ordered


def test_flags_of_mboxes_are_taken(tmp_path: Path) -> None:
    (tmp_path / "x.mbox").write_bytes(
        MBOX.replace(b"Subject", b"Status: RO\nX-Status: AF\nX-Keywords: Junk old\nSubject")
    )
    with temporary_account(tmp_path / "in") as account:
        take(account, tmp_path / "x.mbox")
        [line] = [line for line in held(account) if " b'" in line]
        assert line.startswith(f"x {write_flags(SEEN | ANSWERED | FLAGGED | JUNK, 'old')!r} 1700000000 b'Subject")
