"""CATENATE with much data, with too much, and with REPLACE (RFC 4469)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.store.account import mailboxes
from tests.imapserver.world import World
from tests.support.accounts import add_now

SELECT = "C: s SELECT Inbox\n" + "S: /\\* .*/\n" * 11 + "S: /s OK .*/\n"
LARGE = 300 * 1024  # more than is kept in a row of the database


def test_a_large_message_is_copied_and_what_is_expunged_is_not(world: World) -> None:
    world.run(
        f"""
        C| a APPEND Inbox {{{LARGE}+}}\\r\\n\\r\\n{"x" * (LARGE - 2)}\\r\\n
        S: /a OK .*/
        C: b APPEND Inbox CATENATE (URL "/Inbox/;UID=1" URL "/Inbox/;UID=1")
        S: /b OK .*/
        {SELECT}
        C: c FETCH 2 (RFC822.SIZE BODY.PEEK[]<{LARGE - 1}.4>)
        S: * 2 FETCH (RFC822.SIZE {2 * LARGE} BODY[]<{LARGE - 1}> {{4}}
        S: x
        S: x)
        S: c OK fetched
        C: d STORE 1 +FLAGS.SILENT (\\Deleted)
        S: d OK stored
        C: e EXPUNGE
        S: * 1 EXPUNGE
        S: /e OK .*/
        C: f APPEND Inbox CATENATE (URL "/Inbox/;UID=1")
        S: /f NO \\[BADURL .*/
        """,
        signed_in=True,
    )


def test_what_becomes_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make = world._service

    monkeypatch.setattr(world, "_service", lambda: replace(make(), max_message_bytes=100))
    world.run(
        f"""
        C| a APPEND Inbox {{60+}}\\r\\n\\r\\n{"x" * 58}\\r\\n
        S: /a OK .*/
        C: b APPEND Inbox CATENATE (URL "/Inbox/;UID=1" URL "/Inbox/;UID=1")
        S: b NO [TOOBIG] a message can have 100 bytes at most
        C| c APPEND Inbox CATENATE (TEXT {{60+}}\\r\\n\\r\\n{"x" * 58} TEXT {{41}}\\r\\n
        S: c NO [TOOBIG] a message can have 100 bytes at most
        C: d NOOP
        S: /d OK .*/
        """,
        signed_in=True,
    )


def test_a_message_is_replaced_by_one_that_is_put_together_of_it(world: World) -> None:
    world.run(
        f"""
        C| a APPEND Inbox {{9+}}\\r\\nm: 1\\r\\n\\r\\nx\\r\\n
        S: /a OK .*/
        {SELECT}
        C| b REPLACE 1 Inbox CATENATE (URL "/Inbox/;UID=1" TEXT {{2+}}\\r\\nyz)\\r\\n
        S: /\\* OK \\[APPENDUID .*/
        S: * 2 EXISTS
        S: * 1 EXPUNGE
        S: b OK replaced
        C: c FETCH 1 BODY.PEEK[TEXT]
        S: * 1 FETCH (BODY[TEXT] {{3}}
        S: xyz)
        S: c OK fetched
        """,
        signed_in=True,
    )


def check(world: World, url: str, *, is_ours: bool, is_selected: bool = False) -> None:
    """A message can be made of the URL, or not."""
    add_now(world.jane, b"Subject: x\r\n\r\nbody\r\n")
    answer = "a OK .*" if is_ours else r"a NO \[BADURL .*"
    script = f'C: a APPEND Sent CATENATE (URL "{url}")\nS: /{answer}/'
    world.run((SELECT if is_selected else "") + script, signed_in=True)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("imap://mx.example.com/Inbox/;UID=1", True),
        ("IMAP://MX.Example.COM.:143/Inbox/;UID=1/;SECTION=TEXT", True),
        ("//mx.example.com/Inbox/;UID=1", True),
        ("imap://127.0.0.1/Inbox/;UID=1", True),
        ("imap://jane%40example.com@mx.example.com/Inbox/;UID=1", True),
        ("imap://jane+x%40EXAMPLE.com;AUTH=*@mx.example.com/Inbox/;UID=1", True),
        ("imap://%C3%A9%40example.com@mx.example.com/Inbox/;UID=1", True),  # another address of jane's
        ("imap://locked%40example.com@mx.example.com/Inbox/;UID=1", False),
        ("imap://nobody@mx.example.com/Inbox/;UID=1", False),
        ("imap://else.example/Inbox/;UID=1", False),
        ("imap://mx.example.com:10143/Inbox/;UID=1", False),
        ("imap://mx.example.com/Inbox;UIDVALIDITY=99/;UID=1", False),
        ("imap://jane%40example.com@mx.example.com/Inbox/;UID=1;URLAUTH=anonymous", False),
        (";UID=1", False),  # nothing is selected
    ],
)
def test_a_url_may_name_this_server_and_who_is_signed_in(world: World, url: str, is_ours: bool) -> None:
    check(world, url, is_ours=is_ours)


@pytest.mark.parametrize(
    ("url", "is_there"),
    [(";UID=1", True), ("/;UID=1/;SECTION=TEXT", True), (";UID=2", False), ("/;UID=1/;SECTION=2", False)],
)
def test_a_url_without_mailbox_is_about_the_selected_one(world: World, url: str, is_there: bool) -> None:
    check(world, url, is_ours=is_there, is_selected=True)


def test_a_url_with_the_uidvalidity_of_the_mailbox_is_taken(world: World) -> None:
    uidvalidity = world.jane.read_now(lambda db: mailboxes.get(db, "Inbox").uidvalidity)
    check(world, f"imap://mx.example.com/Inbox;UIDVALIDITY={uidvalidity}/;UID=1", is_ours=True)
