from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.contenttype import find_param, parse_content_type
from app.wire.message.encodedword import MAX_WORD, decode_base64, decode_words, encode_extended, encode_words

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?a_=C3=BC?= b", "a ü b"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?b?w7w=?=  =?iso-8859-1?Q?=FC?=", "üü"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?utf-8*de?q?x?=", "x"),
        ("=?utf-8?b?w7w?=", "ü"),
        ("=?utf-8?b?!?=", ""),
        ("=?nowhere?q?=C3=BC?=", "ü"),
        ("=?utf-8?x?y?=", "=?utf-8?x?y?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("a=?utf-8?q?b?=c", "abc"),
        ("\udcfc", "ü"),
        ("=?idna?q?xn--?=", "xn--"),
    ],
)
def test_encoded_words_are_decoded(value, expected):
    assert decode_words(value) == expected


@given(st.text(max_size=100))
def test_any_text_is_decoded(value):
    decode_words(value).encode("utf-8")


@given(TEXT)
def test_encoded_text_is_short_ascii_words_and_decodes_to_itself(value):
    encoded = encode_words(value)
    assert encoded.isascii()
    assert encoded == value or all(len(word) <= MAX_WORD for word in encoded.split(" "))
    assert decode_words(encoded) == value


@given(TEXT)
def test_extended_value_decodes_to_itself(value):
    kind = parse_content_type(f"a/b; x*={encode_extended(value)}")
    assert kind is not None
    assert kind.param("x") == value


def test_extended_parameter_goes_before_the_plain_one():
    assert find_param((("x", "plain"), ("x*", "utf-8''%C3%BC")), "x") == "ü"
    assert find_param((("x", "=?utf-8?q?=C3=BC?="),), "x") == "ü"
    assert find_param((), "x") is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"YWJj", b"abc"), (b"YW\r\nJj", b"abc"), (b"YWJ", b"ab"), (b"Y*WJ-j", b"abc"), (b"YQ==YQ", b"aa"), (b"Y", b"")],
)
def test_broken_base64_gives_what_can_be_read(data, expected):
    assert decode_base64(data) == expected
