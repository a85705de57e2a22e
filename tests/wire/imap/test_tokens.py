import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap import tokens
from app.wire.imap.tokens import ImapCursor, IncompleteLiteral


def read(parser, raw):
    cursor = ImapCursor(raw)
    value = parser(cursor)
    cursor.expect_end()
    return value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"atom", b"atom"),
        (b"with]", b"with]"),
        (b'""', b""),
        (b'"a \\"b\\\\ c"', b'a "b\\ c'),
        (b'"\xc3\xa9"', "é".encode()),
        (b"{3}\r\na\r\n", b"a\r\n"),
        (b"{3+}\r\n{0}", b"{0}"),
        (b"NIL", b"NIL"),
    ],
)
def test_strings_in_every_form(raw, value):
    assert read(tokens.astring, raw) == value


@pytest.mark.parametrize(
    "raw", [b"", b"(", b"a%", b'"a', b'"a\\n"', b'"a\r\nb"', b"{1}\r\n\0", b"{x}\r\n", b"{1}", b"\xc3\xa9"]
)
def test_what_is_no_string_is_refused(raw):
    with pytest.raises(ImapSyntaxError):
        read(tokens.astring, raw)


def test_a_literal_still_to_come_is_told_apart():
    with pytest.raises(IncompleteLiteral):
        read(tokens.astring, b"{5}\r\nab")


def test_a_literal8_may_hold_nul():
    assert read(tokens.string, b"~{2}\r\n\0x") == b"\0x"


def test_nil_is_a_word_of_its_own():
    assert read(tokens.nstring, b"nil") is None
    assert read(tokens.nstring, b'"NIL"') == b"NIL"
    with pytest.raises(ImapSyntaxError):
        read(tokens.nstring, b"NILS")


@pytest.mark.parametrize(
    ("parser", "largest"), [(tokens.number, 2**32 - 1), (tokens.nz_number, 2**32 - 1), (tokens.number64, 2**63 - 1)]
)
def test_numbers_are_bounded(parser, largest):
    assert read(parser, str(largest).encode()) == largest
    for raw in (str(largest + 1), "9" * 5000, "-1", ""):
        with pytest.raises(ImapSyntaxError):
            read(parser, raw.encode())


def test_zero_is_a_number_but_no_nz_number():
    assert read(tokens.number, b"0") == 0
    with pytest.raises(ImapSyntaxError):
        read(tokens.nz_number, b"0")


def test_errors_say_where():
    with pytest.raises(ImapSyntaxError, match="expected a space at position 3") as caught:
        read(lambda cursor: (tokens.atom(cursor), tokens.space(cursor)), b"ab(")
    assert caught.value.offset == 2


@given(st.binary(max_size=50), st.booleans())
def test_written_strings_read_back(raw, utf8):
    raw = raw.replace(b"\0", b"")
    assert read(tokens.astring, tokens.write_astring(raw, utf8=utf8)) == raw
    assert read(tokens.nstring, tokens.write_nstring(raw, utf8=utf8)) == raw
    written = tokens.write_string(raw, utf8=utf8)
    assert utf8 or written.isascii() or written.startswith(b"{")


def test_nil_as_a_name_is_quoted():
    assert tokens.write_astring(b"Nil") == b'"Nil"'
