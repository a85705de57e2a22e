from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.parse.fetch import Partial, Section, SectionText
from app.wire.imap.parse.url import UrlServer, parse_url


def test_a_url_names_mailbox_message_section_and_stretch() -> None:
    url = parse_url("/a/b%20%E2%82%AC;uidvalidity=7/;UID=20/;section=1.2.MIME/;partial=5.10")
    assert (url.mailbox, url.uidvalidity, url.uid) == ("a/b €", 7, 20)
    assert url.section == Section((1, 2), SectionText.MIME)
    assert url.partial == Partial(5, 10)


def test_a_section_may_have_fields() -> None:
    url = parse_url("/Inbox/;UID=1;SECTION=HEADER.FIELDS%20(From%20To)")
    assert url.section == Section((), SectionText.HEADER_FIELDS, ("From", "To"))
    assert (url.uidvalidity, url.partial) == (None, None)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("imap://mx.example.com", UrlServer(user=None, host="mx.example.com", port=None)),
        ("//MX.example.com", UrlServer(user=None, host="mx.example.com", port=None)),
        ("IMAP://a%40b@h:143", UrlServer(user="a@b", host="h", port=143)),
        ("imap://a;AUTH=*@h", UrlServer(user="a", host="h", port=None)),
        ("imap://;AUTH=PLAIN@h", UrlServer(user=None, host="h", port=None)),
        ("imap://[::1]:993", UrlServer(user=None, host="::1", port=993)),
        ("", None),
    ],
)
def test_a_url_may_name_a_server_and_who_signs_in_there(text: str, server: UrlServer | None) -> None:
    url = parse_url(text + "/In%2Fbox/;UID=1")
    assert (url.server, url.mailbox, url.uid) == (server, "In/box", 1)


@pytest.mark.parametrize("url", [";UID=20/;SECTION=1", "/;UID=20/;SECTION=1"])
def test_a_url_without_a_mailbox_speaks_of_the_selected_one(url: str) -> None:
    assert (parse_url(url).mailbox, parse_url(url).section) == (None, Section((1,)))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "Inbox/;UID=1",
        "/Inbox",
        "/Inbox/;UID=0",
        "/Inbox/;UID=4294967296",
        "/Inbox/;UID=1/;SECTION=0",
        "/Inbox/;UID=1/;SECTION=1%5D",
        "/%ff/;UID=1",
        "//;UID=1",
        "imap://example.com/;UID=1",
        "imap://example.com;UID=1",
        "imap:///Inbox/;UID=1",
        "imap://a@b@example.com/Inbox/;UID=1",
        "imap://a:password@example.com/Inbox/;UID=1",
        "imap://[::1/Inbox/;UID=1",
        "imap://%ff@example.com/Inbox/;UID=1",
        "imaps://example.com/Inbox/;UID=1",
        "/Inbox/;UID=1;URLAUTH=anonymous",
        "/" + "a/" * 5000 + ";UID=1",
    ],
)
def test_what_names_nothing_here_is_refused(url: str) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_url(url)


@given(st.text(alphabet="/;UIDSECTON=1.%5()[] ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ImapSyntaxError):
        assert parse_url("/Inbox/;UID=1" + text).uid
