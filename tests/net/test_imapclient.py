"""Our client of other IMAP servers, against one that says what is written here."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.net import imapclient, imapdialogue
from app.net.imapclient import Endpoint, ImapClient, Message, Security
from app.net.imaplink import ImapFailed, ImapRefused, ImapTlsFailed
from app.store.spool import Spool
from app.wire.imap.reading import Fetched
from app.wire.sasl.clients import Login
from tests.support.imapserver import Script, scripted

LOCALHOST = ipaddress.ip_address("127.0.0.1")
JANE = Login("jane", "s3cret")
FETCH = b"UID FETCH"


def talk(script: Script, do: Callable[[ImapClient], Awaitable[object]], security: Security = Security.NONE) -> object:
    """What `do` returns of a conversation with the script."""

    async def main() -> object:
        async with scripted(script) as port:
            endpoint = Endpoint(host="imap.example.com", port=port, security=security)
            client = await ImapClient.open(endpoint, LOCALHOST)
            try:
                return await do(client)
            finally:
                client.close()

    return asyncio.run(asyncio.wait_for(main(), 20))


def fetched(folder: Path, answer: bytes, uids: list[int]) -> list[tuple[Fetched, bytes | None]]:
    """The messages that a client takes from an answer, with their bytes."""

    async def do(client: ImapClient) -> list[Message]:
        return await client.fetch(uids, 1000, lambda: Spool(folder))

    messages = talk(Script({FETCH: answer}), do)
    assert isinstance(messages, list)
    return [(one.said, None if one.sink is None else bytes(one.sink.finish().data)) for one in messages]


def test_message_comes_with_its_flags_and_date_whatever_their_order(tmp_path: Path) -> None:
    answer = (
        b"* 1 FETCH (BODY[] {6}\r\nA: b\r\n UID 7 FLAGS (\\Seen \\Recent Junk $label1 [odd]) "
        b'INTERNALDATE " 1-Feb-2020 10:00:00 +0100")\r\n{tag} OK done\r\n'
    )
    [(said, data)] = fetched(tmp_path, answer, [7])
    assert data == b"A: b\r\n"
    assert said.flags.write() == b"(\\Seen $Junk $label1)"
    assert said.internaldate == 1580547600


def test_literal_within_a_message_is_not_read_as_one(tmp_path: Path) -> None:
    body = b"A: b\r\n\r\n* 2 FETCH (BODY[] {9}\r\nm1 OK\r\n"
    answer = b"* 1 FETCH (UID 7 BODY[] {%d}\r\n%b)\r\n{tag} OK done\r\n" % (len(body), body)
    assert [data for _, data in fetched(tmp_path, answer, [7])] == [body]


def test_message_may_come_as_a_quoted_string_or_not_at_all(tmp_path: Path) -> None:
    answer = (
        b'* 1 FETCH (UID 7 BODY[] "short \\"one\\"")\r\n* 2 FETCH (UID 8 BODY[] NIL)\r\n* 3 FETCH (FLAGS ())\r\n'
        b"* 4 FETCH (UID 9 BODY[] {0}\r\n)\r\n{tag} OK done\r\n"
    )
    assert [(said.uid, data) for said, data in fetched(tmp_path, answer, [7, 8, 9])] == [(7, b'short "one"'), (9, b"")]


def test_messages_that_nobody_asked_for_are_thrown_away(tmp_path: Path) -> None:
    big = b"x" * 300_000
    answer = b"".join(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, len(big), big) for uid in (7, 8, 7))
    assert [said.uid for said, _ in fetched(tmp_path, answer + b"{tag} OK done\r\n", [7])] == [7]
    assert len(list(tmp_path.iterdir())) == 1


def test_message_above_the_limit_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imapdialogue, "LARGEST_MESSAGE", 1000)
    answer = b"* 1 FETCH (UID 7 BODY[] {2000}\r\n%b)\r\n* 2 FETCH (UID 8 BODY[] {1}\r\nx)\r\n{tag} OK\r\n" % (
        b"x" * 2000
    )
    assert [(said.uid, data) for said, data in fetched(tmp_path, answer, [7, 8])] == [(7, None), (8, b"x")]


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 7 BODY[] {99999999999999999}\r\n",
        b"* 1 FETCH (UID 7 X {999999999}\r\n",
        b"* 1 FETCH (UID 7 " + b"(" * 100 + b"\r\n",
        b"* 1 FETCH (UID 7 BODY[] {400000}\r\n" + b"x" * 400_000 + b"{close}",
        b"x" * 200_000,
        b"* 1 FETCH (UID 7 BODY[] {5}\r\nhello" + b" X {0}\r\n" * 200 + b")\r\n",
        b"* BYE out of memory\r\n",
    ],
    ids=["huge message", "huge literal", "nesting", "cut off", "line without end", "many literals", "bye"],
)
def test_hostile_answer_ends_the_conversation_and_leaves_no_file(tmp_path: Path, answer: bytes) -> None:
    if answer.startswith(b"x" * 1000):
        answer += b"\r\n"
    with pytest.raises(ImapFailed):
        fetched(tmp_path, answer, [7])
    assert list(tmp_path.iterdir()) == []


def test_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imapclient, "GREETING_S", 0.05)
    with pytest.raises(ImapFailed, match="did not answer"):
        talk(Script({}, greeting=b""), _nothing)


async def _nothing(client: ImapClient) -> None:
    pass


def test_uids_come_with_sizes_and_the_last_message_does_not_count_twice() -> None:
    answer = b"* 1 FETCH (UID 5 RFC822.SIZE 10)\r\n* 9 FETCH (RFC822.SIZE 30 UID 12)\r\n{tag} OK\r\n"

    async def do(client: ImapClient) -> list[tuple[int, int]]:
        found: list[Fetched] = []
        for others in ((), (5,)):
            await client.sizes(12, others, found.append)
        return [(one.uid, one.size) for one in found]

    assert talk(Script({FETCH: answer}), do) == [(12, 30), (5, 10), (12, 30)]


def test_folders_come_in_the_codings_that_servers_use() -> None:
    lines = (
        rb'* LIST (\HasNoChildren \Sent) "." "INBOX.Envoy&AOk-s"',
        b'* LIST () "/" {4}\r\na"b\\',
        b'* LIST (\\Noselect) NIL "caf\xc3\xa9"',
        b'* LIST () "/" 123',
    )
    answer = b"\r\n".join(lines) + b"\r\n{tag} OK\r\n"

    async def do(client: ImapClient) -> list[str]:
        return [one.name for one in (await client.folders()).listed]

    assert talk(Script({b"LIST": answer}), do) == ["INBOX.Envoyés", 'a"b\\', "café", "123"]


def test_password_goes_as_a_literal_when_it_must_and_is_in_no_text() -> None:
    script = Script({b"LOGIN": b"{tag} NO [AUTHENTICATIONFAILED] wrong\x1b[31m\r\n"})
    with pytest.raises(ImapRefused) as refused:
        talk(script, lambda client: client.sign_in(Login("jane", "pässword")))
    assert (refused.value.code, refused.value.words) == ("AUTHENTICATIONFAILED", "wrong [31m")
    assert script.heard[-1] == b'LOGIN "jane" {9}\r\np\xc3\xa4ssword'
    assert "ssword" not in str(refused.value)


def test_server_that_takes_no_passwords_gets_none() -> None:
    script = Script({}, greeting=b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2] hi\r\n")
    with pytest.raises(ImapRefused) as refused:
        talk(script, lambda client: client.sign_in(JANE))
    assert refused.value.code == "LOGINDISABLED"
    assert script.heard == []


def test_nothing_is_said_in_the_clear_when_encryption_was_wanted() -> None:
    for greeting in (b"* OK [CAPABILITY IMAP4rev1] hi\r\n", b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"):
        script = Script({}, greeting=greeting)
        with pytest.raises(ImapTlsFailed):
            talk(script, _nothing, Security.STARTTLS)
        assert script.heard == []


def test_what_is_said_before_encryption_began_does_not_count() -> None:
    answers = {b"STARTTLS": b"{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"}
    script = Script(answers, greeting=b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n")
    with pytest.raises(ImapTlsFailed, match="before encryption"):
        talk(script, _nothing, Security.STARTTLS)


def test_what_is_no_imap_server_is_told_so() -> None:
    with pytest.raises(ImapFailed, match="not an IMAP server"):
        talk(Script({}, greeting=b"220 mail.example.com ESMTP\r\n"), _nothing)
