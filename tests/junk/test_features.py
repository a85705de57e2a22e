"""Features: what a message is taken apart into, within bounds and in linear time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.junk import features
from app.junk.features import MAX_FEATURES, Features, features_of
from app.junk.page import read_page
from app.junk.words import plain, words_of
from app.wire.message.part import parse_message
from tests.support.growth import assert_linear


def of(raw: bytes) -> Features:
    return features_of(raw, parse_message(raw))


def names(raw: bytes) -> set[str]:
    found = of(raw)
    return set(found.names(frozenset(found.numbers)).values())


PLAIN = (
    b"From: Ann <ann@mail.example.org>\r\nTo: me@example.com\r\nSubject: Lunch =?utf-8?q?tom=C3=B8rrow?=\r\n"
    b"Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nReceived: from secret.example\r\nX-Spam-Status: Yes\r\n\r\n"
    b"Shall we eat? See https://www.shop.example/menu/soup.html\r\n"
)


def test_words_pairs_and_marks_of_header_and_text() -> None:
    found = names(PLAIN)
    assert {"shall", "shall we", "s:lunch", "s:lunch s:tomørrow", "f:ann@mail.example.org", "f:.example.org"} <= found
    assert {"tz:+0100", "u:.shop.example", "u:/soup", "h:subject", "type:text/plain"} - found == {"h:subject"}


def test_what_servers_and_mailboxes_add_does_not_count() -> None:
    bare = PLAIN.replace(b"Received: from secret.example\r\nX-Spam-Status: Yes\r\n", b"")
    assert of(bare).numbers == of(PLAIN).numbers


def test_words_that_are_cut_by_invisible_tags_comments_and_characters_stay_whole() -> None:
    page = read_page("<p>vi<b></b>ag<!-- x -->ra<td>pi\u200blls</td><style>no { color: red }</style>")
    assert words_of(plain(page.text)) == ["viagra", "pills"]
    assert words_of(plain("𝐅𝐑𝐄𝐄 ＦＲＥＥ")) == ["free", "free"]


def test_html_gives_link_targets_colours_hidden_text_and_the_words_of_pictures() -> None:
    page = read_page('<a HREF="http://x.example/">go</a><font color=#FF0000 style="display: none"><img alt="buy now">')
    assert page.targets == ("http://x.example/",)
    assert {"t:a", "t:font", "t:img", "colour:#ff0000", "hides:display:none"} <= page.marks
    assert "buy now" in page.text


def test_long_runs_give_their_pieces_and_texts_without_spaces_give_pairs() -> None:
    assert words_of("a-" * 20 + "end") == [*["a"] * 20, "end", "long:5"]
    assert words_of("日本語 x") == ["日本", "本語", "x"]


@given(st.binary(max_size=3000))
def test_any_bytes_have_features_within_bounds(raw: bytes) -> None:
    found = of(raw)
    assert len(found.numbers) <= MAX_FEATURES
    assert of(raw).numbers == found.numbers
    assert set(found.names(frozenset(found.numbers))) == set(found.numbers)


@given(st.text(alphabet="<>!-/=\"' abstyle&;:#", max_size=400))
def test_any_markup_is_read(source: str) -> None:
    read_page(source)


def test_hostile_messages_cost_no_more_than_their_length() -> None:
    head = b"Subject: x\r\nContent-Type: text/html\r\n\r\n"
    for filling in (
        b"<",
        b"<!--",
        b"<a ",
        b"<style>",
        b"a.",
        b"http://",
        b"=",
        b"@a.",
        b"&#",
        b'<a href="',
        b"\xe3\x81\x82",
    ):

        def read_long(size: int, filling: bytes = filling) -> None:
            found = of(head + filling * (size // len(filling)))
            assert len(found.numbers) <= features.MAX_FEATURES

        assert_linear(read_long, 250_000)
    names, addresses = b"=?utf-8?q?a?= ", b"a@b.c,"
    assert_linear(
        lambda count: of(b"Subject: " + names * count + b"\r\nTo: " + addresses * count + b"\r\n\r\n"), 12_500
    )
