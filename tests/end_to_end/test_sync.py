"""Large mailboxes kept the same here and there by mbsync, imapclient and imaplib, without a difference.

MOX_SYNC_MESSAGES=10000 makes them as large as the promise; without it they are smaller, to be quick.
"""

from __future__ import annotations

import imaplib
import os
import re
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

import imapclient
import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD
from tests.end_to_end.test_programs import files, synchronise
from tests.support.built import Instance

COUNT = int(os.environ.get("MOX_SYNC_MESSAGES", "600"))
pytestmark = pytest.mark.timeout(1200)
Mailbox = dict[int, frozenset[str]]  # the flags of each message by its number

_NUMBER = re.compile(rb"^Subject: number (\d+)\r?$", re.MULTILINE)
_LETTERS = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "T": "\\Deleted"}


def message(number: int) -> bytes:
    """A message that tells its number, and differs in size."""
    lines = "".join(f"line {line} of {number}\r\n" for line in range(number % 7))
    return f"From: a@example.org\r\nSubject: number {number}\r\nMessage-ID: <{number}@x>\r\n\r\n{lines}".encode()


def number_of(data: bytes) -> int:
    """The number that a message tells; the message must be whole."""
    found = _NUMBER.search(data)
    assert found is not None
    number = int(found[1])
    return number


def flags_of(number: int) -> frozenset[str]:
    """The flags that a message has at first."""
    every = ((2, "\\Seen"), (3, "\\Flagged"), (5, "\\Answered"))
    return frozenset(flag for divisor, flag in every if number % divisor == 0)


def system_flags(flags: Iterable[bytes]) -> frozenset[str]:
    """Without keywords: the server itself says $NotJunk of what is put into most mailboxes."""
    return frozenset(flag.decode() for flag in flags if flag.startswith(b"\\"))


FIRST: Mailbox = {number: flags_of(number) for number in range(COUNT)}


def changed(mailbox: Mailbox) -> Mailbox:
    """After a change at one side: every seventh message is gone, every eleventh is answered."""
    kept = {number: flags for number, flags in mailbox.items() if number % 7}
    return {number: flags | {"\\Answered"} if number % 11 == 0 else flags for number, flags in kept.items()}


def in_maildir(folder: Path) -> Mailbox:
    """What mbsync left; each message must be byte for byte what it was, but for line ends and mbsync's own field."""
    found: Mailbox = {}
    for path in files(folder):
        data = re.sub(rb"X-TUID: .*\n", b"", path.read_bytes())
        number = number_of(data)
        assert data == message(number).replace(b"\r\n", b"\n"), path
        letters = path.name.partition(":2,")[2]
        assert number not in found, f"{number} is there twice"
        found[number] = frozenset(_LETTERS[letter] for letter in letters)
    return found


def at_server(server: Instance, mailbox: str, *, is_exact: bool = True) -> dict[int, tuple[int, frozenset[str]]]:
    """Uid and flags of every message by its number."""
    with imaplib.IMAP4(server.ip, 1143, timeout=60) as client:
        client.login(ACCOUNT, PASSWORD)
        client.select(mailbox, readonly=True)
        answer = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
    found = {}
    for head, data in (item for item in answer if isinstance(item, tuple)):
        number = number_of(data)
        facts = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", head)
        assert facts, head
        assert not is_exact or data == message(number)
        assert number not in found, f"{number} is there twice"
        found[number] = (int(facts[1]), system_flags(facts[2].split()))
    return found


def only_flags(mailbox: dict[int, tuple[int, frozenset[str]]]) -> Mailbox:
    return {number: flags for number, (_, flags) in mailbox.items()}


def change_at_server(server: Instance, mailbox: str) -> None:
    """The change of `changed`, by imaplib."""
    uids = {number: uid for number, (uid, _) in at_server(server, mailbox, is_exact=False).items()}
    with imaplib.IMAP4(server.ip, 1143, timeout=60) as client:
        client.login(ACCOUNT, PASSWORD)
        client.select(mailbox)
        for divisor, flag in ((7, "\\Deleted"), (11, "\\Answered")):
            chosen = ",".join(str(uid) for number, uid in uids.items() if number % divisor == 0)
            if chosen:
                assert client.uid("STORE", chosen, "+FLAGS.SILENT", f"({flag})")[0] == "OK"
        assert client.expunge()[0] == "OK"


def test_mbsync_leaves_no_difference_in_a_large_mailbox(server: Instance, tmp_path: Path) -> None:
    if shutil.which("mbsync") is None:
        pytest.skip("mbsync is not installed; see tests/packages.txt")
    current = tmp_path / "mail" / "Sync" / "cur"
    current.mkdir(parents=True)
    (current.parent / "new").mkdir()
    (current.parent / "tmp").mkdir()
    for number, flags in FIRST.items():
        letters = "".join(sorted(letter for letter, flag in _LETTERS.items() if flag in flags))
        (current / f"{number}.local:2,{letters}").write_bytes(message(number).replace(b"\r\n", b"\n"))
    synchronise(server, tmp_path)
    assert only_flags(at_server(server, "Sync", is_exact=False)) == FIRST

    change_at_server(server, "Sync")
    synchronise(server, tmp_path)
    assert in_maildir(tmp_path) == changed(FIRST)

    for path in files(tmp_path):
        if number_of(path.read_bytes()) % 13 == 0:
            path.unlink()
    synchronise(server, tmp_path)
    left = {number: flags for number, flags in changed(FIRST).items() if number % 13}
    assert only_flags(at_server(server, "Sync", is_exact=False)) == left == in_maildir(tmp_path)


def test_imaplib_leaves_no_difference_in_a_large_mailbox(server: Instance) -> None:
    with imaplib.IMAP4(server.ip, 1143, timeout=60) as client:
        client.login(ACCOUNT, PASSWORD)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # it sends a message and its end apart
        client.create("Library")
        for number, flags in FIRST.items():
            assert client.append("Library", f"({' '.join(sorted(flags))})", "", message(number))[0] == "OK"
    assert only_flags(at_server(server, "Library")) == FIRST
    change_at_server(server, "Library")
    assert only_flags(at_server(server, "Library")) == changed(FIRST)


def test_imapclient_leaves_no_difference_in_a_large_mailbox(server: Instance) -> None:
    with imapclient.IMAPClient(server.ip, 1143, ssl=False, timeout=60) as client:
        client.login(ACCOUNT, PASSWORD)
        client.create_folder("Client")
        for start in range(0, COUNT, 500):
            numbers = range(start, min(start + 500, COUNT))
            client.multiappend("Client", [{"msg": message(n), "flags": sorted(FIRST[n])} for n in numbers])
        client.select_folder("Client")
        modseq = client.folder_status("Client", ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"]
        near = download(client, client.search(["ALL"]))
        assert dict(near.values()) == FIRST

        change_at_server(server, "Client")
        client.noop()
        there = set(client.search(["ALL"]))
        near = {uid: facts for uid, facts in near.items() if uid in there}
        for uid, facts in client.fetch(sorted(there), ["FLAGS"], modifiers=[f"CHANGEDSINCE {modseq}"]).items():
            near[uid] = (near[uid][0], system_flags(facts[b"FLAGS"]))
        assert dict(near.values()) == changed(FIRST)

        gone = [uid for uid, (number, _) in near.items() if number % 13 == 0]
        client.delete_messages(gone)
        client.uid_expunge(gone)
        left = {number: flags for number, flags in changed(FIRST).items() if number % 13}
        assert only_flags(at_server(server, "Client")) == left


def download(client: imapclient.IMAPClient, uids: list[int]) -> dict[int, tuple[int, frozenset[str]]]:
    """Number and flags of messages by uid."""
    found = {}
    for uid, facts in client.fetch(uids, ["FLAGS", "BODY.PEEK[]", "RFC822.SIZE"]).items():
        data = facts[b"BODY[]"]
        assert data == message(number_of(data))
        assert facts[b"RFC822.SIZE"] == len(data)
        found[uid] = (number_of(data), system_flags(facts[b"FLAGS"]))
    return found
