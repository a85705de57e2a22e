import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.rights import ALL, NONE, Right, letters_of, read_rights, write_rights


@pytest.mark.parametrize(
    ("letters", "rights"),
    [
        ("", NONE),
        ("lr", Right.LOOKUP | Right.READ),
        ("rl", Right.LOOKUP | Right.READ),
        ("ll", Right.LOOKUP),
        ("c", Right.CREATE | Right.DELETE_MAILBOX),
        ("d", Right.DELETE_MESSAGES | Right.EXPUNGE),
        ("lrswipkxtea", ALL),
    ],
)
def test_letters_name_rights_in_any_order_and_old_ones_stand_for_several(letters, rights):
    assert read_rights(letters) == rights


@pytest.mark.parametrize("letters", ["L", "lrz", "l r", "0", "ä", "+l"])
def test_a_letter_that_nobody_knows_is_an_error(letters):
    with pytest.raises(ImapSyntaxError):
        read_rights(letters)


@pytest.mark.parametrize(
    ("letters", "told"),
    [("", b""), ("lr", b"lr"), ("k", b"kc"), ("x", b"xc"), ("t", b"td"), ("e", b"ed"), ("kxte", b"kxtecd")],
)
def test_an_old_letter_is_told_with_any_right_that_belongs_to_it(letters, told):
    assert write_rights(read_rights(letters)) == told


@given(st.integers(0, ALL.value))
def test_rights_are_kept_without_the_old_letters_and_come_back(bits):
    letters = letters_of(Right(bits))
    assert not set(letters) & set("cd")
    assert read_rights(letters) == Right(bits)
