"""REPLACE when the account is full, and when another session was quicker (RFC 8508)."""

from __future__ import annotations

from app.store.account import expunge, mailboxes, messages
from tests.imapserver.world import World

MESSAGE = "m: " + "x" * 1021 + "\\r\\n\\r\\n"  # 1028 bytes
SELECT = "C: s SELECT Inbox\n" + "S: /\\* .*/\n" * 11 + "S: /s OK .*/\n"


def test_only_the_growth_counts_for_the_quota(world: World):
    world.quota_bytes = 2 * 1024
    world.run(
        f"""
        C| a APPEND Inbox {{1028+}}\\r\\n{MESSAGE}\\r\\n
        S: /a OK .*/
        {SELECT}
        C: b REPLACE 1 Inbox {{1028}}
        S: /\\+ .*/
        C| {MESSAGE}\\r\\n
        S: /\\* OK \\[APPENDUID .*/
        S: * 2 EXISTS
        S: * 1 EXPUNGE
        S: b OK replaced
        C: c REPLACE 1 Inbox {{2049}}
        S: /c NO \\[OVERQUOTA\\] .*/
        C| d REPLACE 1 Inbox {{2049+}}\\r\\n{"x" * 2049}\\r\\n
        S: /d NO \\[OVERQUOTA\\] .*/
        C: e FETCH 1 (UID RFC822.SIZE)
        S: * 1 FETCH (UID 2 RFC822.SIZE 1028)
        S: e OK fetched
        """,
        signed_in=True,
    )


def test_message_that_another_session_removed_is_not_replaced(world: World):
    def remove(tx) -> None:
        expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [1])

    async def talk(port: int) -> None:
        import asyncio

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b'0 LOGIN jane@example.com "correct horse"\r\n1 APPEND Inbox {4+}\r\nm: 1\r\n2 SELECT Inbox\r\n')
        await reader.readuntil(b"2 OK")
        await world.jane.write(remove)
        writer.write(b"3 REPLACE 1 Inbox {4+}\r\nm: 2\r\n")
        answer = await reader.readuntil(b"session\r\n")
        assert answer.endswith(b"3 NO [EXPUNGEISSUED] the message was expunged by another session\r\n")

    world.serve(talk)
    assert world.jane.read_now(lambda db: mailboxes.get(db, "Inbox")).total == 0
    assert world.jane.read_now(messages.account_size) == 0
