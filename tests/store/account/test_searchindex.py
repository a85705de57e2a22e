"""The word index never changes an answer: the same queries with it, without it, and with a part of it."""

from __future__ import annotations

import asyncio
import base64
import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.store.account import expunge, indexing, mailboxes, messages, searchindex
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.account.search import Search, find_matches
from app.store.spool import Body
from app.wire.imap.parse.searchkey import And, Contains, Header, Not, Or, TextIn
from tests.support.accounts import add_now, temporary_account

WORDS = (
    "budget Budget re-do straße STRASSE naïve Łódź résumé привет мир 日本語 テキスト 中文 İstanbul ΣΊΣΥΦΟΣ"
    " a_b x@y.org 2026-11 don't “quoted” —"
).split()
CHARSETS = ("utf-8", "iso-8859-1", "iso-8859-2", "koi8-r", "shift_jis", "gb18030", "utf-16", "windows-1252", "us-ascii")
ENCODINGS = ("8bit", "base64", "quoted-printable")
QUERIES = int(os.environ.get("MOX_SEARCH_QUERIES", "300"))  # 3000 shows more, and takes a minute


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def sentence(chance: random.Random) -> str:
    separators = (" ", " ", " ", "-", ", ", ".", "\r\n", "")
    return "".join(chance.choice(WORDS) + chance.choice(separators) for _ in range(chance.randint(1, 9)))


def encoded(text: str, charset: str, encoding: str) -> bytes:
    raw = text.encode(charset, "replace")
    if encoding == "base64":
        return base64.encodebytes(raw).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return b"".join(b"=%02X" % byte for byte in raw)
    return raw


def text_part(chance: random.Random) -> bytes:
    charset, encoding = chance.choice(CHARSETS), chance.choice(ENCODINGS)
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    if chance.random() < 0.3:
        head += f'Content-Disposition: attachment; filename="{chance.choice(WORDS)}.txt"\r\n'
    return head.encode() + b"\r\n" + encoded(sentence(chance), charset, encoding) + b"\r\n"


def header(chance: random.Random) -> bytes:
    subject = sentence(chance).replace("\r\n", "\r\n ")
    if chance.random() < 0.5:
        words = base64.b64encode(subject.replace("\r\n", "").encode()).decode()
        subject = f"=?utf-8?B?{words}?="
    lines = f"From: {chance.choice(WORDS)} <a@{chance.randint(1, 9)}.example>\r\nSubject: {subject}\r\n"
    return (lines + f"X-Note: {chance.choice(WORDS)} {chance.choice(WORDS)}\r\n").encode()


def message(chance: random.Random, depth: int = 0) -> bytes:
    if chance.random() < 0.5:
        return header(chance) + text_part(chance)
    inner = message(chance, depth + 1) if depth < 2 else header(chance) + b"\r\nend"
    parts = (text_part(chance), b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n")
    body = b"".join(b"--%d\r\n%b" % (depth, part) for part in parts) + b"--%d--\r\n" % depth
    return header(chance) + b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n" % depth + body


def needle(chance: random.Random) -> str:
    text = sentence(chance).replace("\r\n", " ")
    start = chance.randrange(len(text))
    return text[start : start + chance.randint(1, 8)] or "x"


def key(chance: random.Random, depth: int = 0):
    kind = chance.randrange(10) if depth < 2 else chance.randrange(6)
    if kind < 5:
        return Contains(chance.choice(list(TextIn)), needle(chance))
    if kind == 5:
        return Header(chance.choice(("Subject", "X-Note", "X-None", "", "a b")), needle(chance))
    if kind == 6:
        return Not(key(chance, depth + 1))
    if kind == 7:
        return Or(key(chance, depth + 1), key(chance, depth + 1))
    return And((key(chance, depth + 1), key(chance, depth + 1)))


def ask(account, keys):
    box = account.read_now(lambda db: mailboxes.get(db, "Inbox"))
    searches = [Search(mailbox_id=box.id, key=one, view=range(1, box.uidnext)) for one in keys]
    msg_dir = account.directory / "msg"
    return account.read_now(lambda db: [find_matches(db, msg_dir, search) for search in searches])


def test_answers_are_the_same_with_the_index_without_it_and_with_a_part_of_it(account):
    chance = random.Random(9)
    for _ in range(150):
        add_now(account, message(chance), prefix=b"X-Seen-By: mx budget\r\n" if chance.random() < 0.3 else b"")
    keys = [key(chance) for _ in range(QUERIES)]
    plain = ask(account, keys)
    assert sum(0 < len(found) < 150 for found in plain) > QUERIES // 6
    indexing.index_now(account)
    assert account.read_now(lambda db: searchindex.waiting(db, 1)) == 0
    assert ask(account, keys) == plain
    for _ in range(20):
        add_now(account, message(chance))
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), range(1, 60, 3)))
    expunge.erase_now(account)
    partly = ask(account, keys)
    assert partly != plain
    account.write_now(lambda tx: tx.db.execute("UPDATE search_segment SET form = 'of another version'"))
    assert ask(account, keys) == partly
    indexing.index_now(account)
    assert ask(account, keys) == partly


def test_a_message_that_is_too_large_to_be_indexed_is_found(account, monkeypatch):
    monkeypatch.setattr(searchindex, "MAX_BODY", 2000)
    add_now(account, b"Subject: large\r\n\r\n" + b"hay " * 1000 + b"needle\r\n")
    add_now(account, b"Subject: small\r\n\r\nhay\r\n")
    indexing.index_now(account)
    keys = [Contains(TextIn.BODY, "needle"), Contains(TextIn.TEXT, "hay"), Contains(TextIn.SUBJECT, "large")]
    assert [[match.uid for match in found] for found in ask(account, keys)] == [[1], [1, 2], [1]]


def test_a_segment_of_erased_messages_goes(account):
    add_now(account, b"Subject: first\r\n\r\nsecret\r\n")
    indexing.index_now(account)
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [1]))
    expunge.erase_now(account)
    add_now(account, b"Subject: second\r\n\r\nother\r\n")
    indexing.index_now(account)
    kept = account.read_now(lambda db: db.execute("SELECT vocabulary FROM search_words").fetchall())
    assert len(kept) == len(searchindex.Place)
    assert not any(b"secret" in words for (words,) in kept)


def test_messages_are_indexed_after_they_were_delivered(account, monkeypatch):
    monkeypatch.setattr(indexing, "DELAY_S", 0.0)
    indexed = asyncio.Event()
    monkeypatch.setattr(indexing, "log", SimpleNamespace(debug=lambda *_, **__: indexed.set()))

    async def deliver():
        for number in range(indexing.ENOUGH):
            incoming = Incoming(mailbox="Inbox", prepared=prepare(Body.of(b"Subject: %d\r\n\r\ntext\r\n" % number)))
            await account.write(lambda tx, incoming=incoming: messages.add(tx, incoming))
        await asyncio.wait_for(indexed.wait(), 20)

    asyncio.run(deliver())
    assert account.read_now(lambda db: searchindex.waiting(db, 1)) == 0
    (found,) = ask(account, [Contains(TextIn.SUBJECT, "101")])
    assert [match.uid for match in found] == [102]
