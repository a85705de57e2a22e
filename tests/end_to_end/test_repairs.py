"""Repairs, test data and profiles, as an operator uses them: the built file, a running server, a mail program."""

from __future__ import annotations

import imaplib
import pstats
import re
import sqlite3
import tarfile
from pathlib import Path

from tests.end_to_end.reading import ACCOUNT, PASSWORD, any_certificate, new_message, new_subject
from tests.support.built import Instance, mox


def signed_in(server: Instance) -> imaplib.IMAP4_SSL:
    client = imaplib.IMAP4_SSL(server.ip, 1993, ssl_context=any_certificate(), timeout=30)
    client.login(ACCOUNT, PASSWORD)
    return client


def uidvalidity(client: imaplib.IMAP4_SSL) -> int:
    found = re.search(rb"UIDVALIDITY (\d+)", client.status("Repaired", "(UIDVALIDITY)")[1][0] or b"")
    assert found is not None
    return int(found[1])


def test_every_repair_runs_while_a_mail_program_is_connected(server: Instance) -> None:
    config = ("-config", str(server.directory / "mox.conf"))
    subject = new_subject()
    with signed_in(server) as client:
        client.create("Repaired")
        for number in range(4):
            client.append("Repaired", "\\Seen", "", new_message(f"{subject} {number}").as_bytes())
        client.select("Repaired")
        client.uid("STORE", "1:2", "+FLAGS", "(\\Deleted)")
        client.expunge()
        before = uidvalidity(client)
        for name in ("fixuidmeta", "recalculatemailboxcounts", "fixmsgsize"):
            assert mox(*config, name, "mox") == "mox: nothing to repair\n"
        assert "0 of them are understood otherwise" in mox(*config, "reparse", "mox")
        assert "messages indexed" in mox(*config, "reindex", "mox")
        assert client.uid("SEARCH", "SUBJECT", f'"{subject}"')[1] == [b"3 4"]
        assert "2 of 2 messages have new uids" in mox(*config, "reassignuids", "mox", "Repaired")
        try:
            said = str(client.noop())
        except imaplib.IMAP4.abort as error:  # as the client reports a BYE
            said = str(error)
        assert "numbered anew" in said
    with signed_in(server) as client:
        assert uidvalidity(client) > before
        client.select("Repaired")
        assert client.uid("SEARCH", "ALL")[1] == [b"1 2"]


def test_data_of_an_earlier_version_is_upgraded_and_goes_back(tmp_path: Path) -> None:
    (archive, *_) = sorted((Path(__file__).parent.parent / "data" / "upgrade").glob("*.tar.xz"))
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path)
    config, account = ("-config", str(tmp_path / "config" / "mox.conf")), tmp_path / "data" / "accounts" / "test0"
    before = (account / "index.db").read_bytes()
    assert "13 messages parsed" in mox(*config, "reparse", "test0")
    assert (account / "index.db").read_bytes() != before
    assert "accounts/test0/index.db: as it was on" in mox(*config, "undoupgrade")
    mox(*config, "undoupgrade", "-yes")
    with sqlite3.connect(account / "index.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (11,)
    [aside] = account.glob("undone-*")
    assert "19 of 19 messages written" in mox(*config, "export", "mbox", str(tmp_path / "out"), str(aside))


def test_made_data_works_with_the_commands_and_leaves_profiles(tmp_path: Path) -> None:
    folder, cpu = tmp_path / "made", tmp_path / "cpu"
    assert "test0 has the password" in mox("gentestdata", str(folder))
    config = ("-config", str(folder / "config" / "mox.conf"))
    said = mox(*config, "-cpuprof", str(cpu), "-memprof", str(tmp_path / "memory"), "bumpuidvalidity", "test0")
    assert said.startswith("test0: Inbox: uidvalidity was ")
    assert "13 messages parsed, 0 of them" in mox(*config, "reparse", "test0")
    assert pstats.Stats(str(cpu)).total_calls > 0  # type: ignore[attr-defined]
    assert "bytes held" in (tmp_path / "memory").read_text()
