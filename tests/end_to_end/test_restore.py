"""What was lost comes back from a backup by the built file, while the server runs and a mail program looks on."""

from __future__ import annotations

import imaplib
from pathlib import Path

import pytest

from tests.end_to_end.reading import fetch, find, new_message, new_subject, signed_in, wait_for
from tests.support.built import Instance, mox

LARGE = "A line of a message that is large enough to be a file.\r\n" * 6000


def test_lost_mail_comes_back_into_an_open_mailbox_and_all_to_another_place(server: Instance, tmp_path: Path) -> None:
    config = ("-config", str(server.directory / "mox.conf"))
    backup = str(tmp_path / "backup")
    small, large = new_message(new_subject()), new_message(new_subject(), LARGE)
    with signed_in(server) as client:
        client.create("Lost")
        for message in (small, large):
            client.append("Lost", "(\\Flagged blue)", "", message.as_bytes())
        assert mox(*config, "backup", backup).endswith("the backup is whole\n")
        client.select("Lost")
        before = bytes(fetch(client, b"2"))
        client.uid("STORE", "1:*", "+FLAGS", "(\\Deleted)")
        client.expunge()
        assert "1 messages are back" in mox(*config, "restore", "message", backup, "mox", str(large["Message-ID"]))
        uids = wait_for(lambda: noop(client) and find(client, str(large["Subject"])), server.log)
        assert uids == [b"3"]  # a uid is never given out twice
        assert bytes(fetch(client, b"3")) == before
        flags = client.uid("FETCH", "3", "(FLAGS)")[1][0]
        assert isinstance(flags, bytes)
        assert b"\\Flagged" in flags
        assert b"blue" in flags
    assert "2 messages are back" in mox(*config, "restore", "mailbox", backup, "mox", "Lost")
    with signed_in(server, "Restored/Lost") as client:
        assert client.uid("SEARCH", "FLAGGED")[1] == [b"1 2"]
    new = ("-config", str(tmp_path / "new" / "mox.conf"))
    assert "restored: " in mox(*new, "restore", "all", backup)
    assert mox(*new, "verifydata").endswith("OK\n")
    assert "Lost: 2 messages" in mox("restore", "list", backup, "mox")


def noop(client: imaplib.IMAP4) -> bool:
    return client.noop()[0] == "OK"


def test_restore_all_never_writes_where_something_is(server: Instance, tmp_path: Path) -> None:
    config = ("-config", str(server.directory / "mox.conf"))
    backup = str(tmp_path / "backup")
    mox(*config, "backup", backup)
    with pytest.raises(AssertionError, match="not empty"):
        mox(*config, "restore", "all", backup)
