"""Python's imaplib with the built file: coming back by QRESYNC, object ids, previews."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator

import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD
from tests.support.built import Instance

BOX = "Archive"


@pytest.fixture
def client(server: Instance) -> Iterator[imaplib.IMAP4]:
    """Signed in, with QRESYNC, and nothing selected."""
    with imaplib.IMAP4(server.ip, 1143, timeout=30) as client:
        client.login(ACCOUNT, PASSWORD)
        assert client.enable("QRESYNC")[0] == "OK"
        yield client


def code(client: imaplib.IMAP4, name: str) -> str:
    """What a response code said last."""
    return client.response(name)[1][-1].decode()


def test_a_client_learns_what_went_while_another_mailbox_was_open(client: imaplib.IMAP4) -> None:
    for number in range(5):
        client.append(BOX, "", "", b"Subject: %d\r\n\r\nwords of %d\r\n" % (number, number))
    client.select(BOX)
    uidvalidity, modseq = code(client, "UIDVALIDITY"), code(client, "HIGHESTMODSEQ")
    uids = client.uid("SEARCH", "ALL")[1][0].split()
    ids = client.uid("FETCH", uids[0].decode(), "(EMAILID THREADID PREVIEW)")[1][0]
    found = re.search(rb'EMAILID \((M[0-9a-f-]+)\) THREADID \((T[0-9a-f-]+)\) PREVIEW "words of 0"', ids)
    assert found
    client.uid("STORE", b",".join(uids[1:3]).decode(), "+FLAGS.SILENT", "(\\Deleted)")
    client.expunge()
    client.uid("STORE", uids[3].decode(), "+FLAGS", "(\\Flagged)")
    client.uid("MOVE", uids[0].decode(), "Sent")
    client.select("INBOX")

    client.response("VANISHED")
    assert client.select(f"{BOX} (QRESYNC ({uidvalidity} {modseq}))")[0] == "OK"
    assert client.response("VANISHED")[1] == [b"(EARLIER) " + uids[0] + b":" + uids[2]]
    changed = client.response("FETCH")[1]
    assert len(changed) == 1
    assert re.fullmatch(rb"1 \(UID %b FLAGS \(\\Flagged .*\) MODSEQ \(\d+\)\)" % uids[3], changed[0])

    client.select("Sent")
    moved = client.uid("FETCH", "1:*", "(EMAILID)")[1][-1]
    assert b"EMAILID (" + found[1] + b")" in moved


def test_a_part_is_given_away_by_its_url_until_the_key_changes(client: imaplib.IMAP4, server: Instance) -> None:
    def ask(name: str, *arguments: str) -> list[bytes]:
        imaplib.Commands.setdefault(name, ("AUTH", "SELECTED"))
        assert client._simple_command(name, *arguments)[0] == "OK"
        lines = [one if isinstance(one, bytes) else b"|".join(one) for one in client.response(name)[1] if one]
        return [line for line in lines if line]

    client.append(BOX, "", "", b"Subject: given\r\n\r\nto have\r\n")
    client.select(BOX)
    uid = client.uid("SEARCH", "SUBJECT", "given")[1][0].decode()
    user = ACCOUNT.replace("@", "%40")
    rump = f'"imap://{user}@{server.ip}:1143/{BOX}/;UID={uid}/;SECTION=TEXT;URLAUTH=user+{user}"'
    (url,) = ask("GENURLAUTH", rump, "INTERNAL")
    assert b"|to have\r\n" in ask("URLFETCH", url.decode())[0]
    ask("RESETKEY", BOX)
    assert ask("URLFETCH", url.decode())[0].endswith(b" NIL")
