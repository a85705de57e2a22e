from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.parse.fetch import Partial, Section, SectionText
from app.wire.imap.parse.url import parse_url


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
    "url",
    [
        "",
        "Inbox/;UID=1",
        "/;UID=1",
        "/Inbox",
        "/Inbox/;UID=0",
        "/Inbox/;UID=4294967296",
        "/Inbox/;UID=1/;SECTION=0",
        "/Inbox/;UID=1/;SECTION=1%5D",
        "/%ff/;UID=1",
        "imap://example.com/Inbox/;UID=1",
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
