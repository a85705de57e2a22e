from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.parse.url import MAX_URL
from app.wire.imap.parse.urlauth import Access, Form, ResetkeyCommand, parse_authorized_url
from app.wire.imap.table import parse_command

PLACE = "imap://jane@mx.example.com/Inbox/;UID=20/;SECTION=1.2"
TOKEN = "91354a473744909de610943775f92038"


def test_an_authorized_url_is_its_rump_with_a_token() -> None:
    rump = f"{PLACE};EXPIRE=2030-02-01T01:00:00+01:00;URLAUTH=submit+fred%2bx"
    url = parse_authorized_url(f"{rump}:internal:{TOKEN.upper()}")
    assert (url.owner, url.rump, url.token, url.expire) == ("jane", rump, TOKEN, 1896134400)
    assert (url.access, url.user, url.place.uid) == (Access.SUBMIT, "fred+x", 20)
    bare = parse_authorized_url(rump)
    assert (bare.rump, bare.token, bare.place) == (rump, "", url.place)


@pytest.mark.parametrize(
    ("text", "access", "user"),
    [
        ("user+a%40b+c", Access.USER, "a@b+c"),
        ("AUTHUSER", Access.AUTHUSER, ""),
        ("anonymous", Access.ANONYMOUS, ""),
    ],
)
def test_access_says_who_may_fetch(text: str, access: Access, user: str) -> None:
    url = parse_authorized_url(f"{PLACE};urlauth={text}")
    assert (url.access, url.user) == (access, user)


@pytest.mark.parametrize(
    "url",
    [
        PLACE,
        "/Inbox/;UID=20;URLAUTH=anonymous",
        "imap://mx.example.com/Inbox/;UID=20;URLAUTH=anonymous",
        "imap://jane@mx.example.com/;URLAUTH=anonymous",
        PLACE + ";URLAUTH=user",
        PLACE + ";URLAUTH=user+",
        PLACE + ";URLAUTH=authuser+jane",
        PLACE + ";URLAUTH=stream",
        PLACE + ";URLAUTH=user+%ff",
        PLACE + ";URLAUTH=anonymous:other:" + TOKEN,
        PLACE + ";URLAUTH=anonymous:internal:" + TOKEN[1:],
        PLACE + ";URLAUTH=anonymous:internal:" + TOKEN + "/x",
        PLACE + ";EXPIRE=soon;URLAUTH=anonymous",
        PLACE + ";EXPIRE=2030-02-30T00:00:00Z;URLAUTH=anonymous",
        PLACE + ";URLAUTH=anonymous;URLAUTH=anonymous",
        PLACE + "x" * MAX_URL + ";URLAUTH=anonymous",
    ],
)
def test_what_authorizes_nobody_is_refused(url: str) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_authorized_url(url)


def test_urls_to_fetch_may_have_forms_and_one_that_means_nothing_is_no_error() -> None:
    command = parse_command(
        f'a URLFETCH x "{PLACE};URLAUTH=authuser" {PLACE};URLAUTH=authuser:internal:{TOKEN}'
        f" ({PLACE};URLAUTH=authuser:internal:{TOKEN} BINARY bodypartstructure) (x)".encode()
    )
    assert [asked.url is not None for asked in command.urls] == [False, False, True, True, False]  # type: ignore[attr-defined]
    forms = (Form.BINARY, Form.BODYPARTSTRUCTURE)
    assert [asked.forms for asked in command.urls] == [None, None, None, forms, ()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line",
    [
        f"GENURLAUTH {PLACE};URLAUTH=authuser",
        f"GENURLAUTH {PLACE};URLAUTH=authuser XSAMPLE",
        f"GENURLAUTH {PLACE};URLAUTH=authuser:internal:{TOKEN} INTERNAL",
        f"GENURLAUTH {PLACE} INTERNAL",
        "GENURLAUTH" + f" {PLACE};URLAUTH=authuser INTERNAL" * 101,
        "URLFETCH",
        "URLFETCH (x TEXT)",
        "URLFETCH (x BODY BODY)",
        "URLFETCH (x BODY BINARY)",
        "URLFETCH" + " x" * 101,
        "RESETKEY ",
        "RESETKEY Inbox XSAMPLE",
    ],
)
def test_commands_that_cannot_be_are_refused(line: str) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_command(f"a {line}".encode())


def test_keys_are_reset_of_a_mailbox_or_of_all() -> None:
    assert parse_command(b"a RESETKEY") == ResetkeyCommand("a", None)
    assert parse_command(b'a RESETKEY "In box" internal') == ResetkeyCommand("a", "In box")


@given(st.text(alphabet=";URLAUTH=EXPIREusersubmit+anonymous:0123456789abc/", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ImapSyntaxError):
        assert parse_authorized_url(PLACE + text).rump
