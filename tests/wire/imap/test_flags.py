import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.flags import ALL, DELETED, JUNK, SEEN, FlagSet, flagset, parse_bare_flags, parse_flags, write_flags
from app.wire.imap.tokens import ImapCursor


def test_flags_have_bits_in_any_case_and_keywords_are_lower_case():
    flags = parse_flags(ImapCursor(b"(\\seen $JUNK Work \\Deleted work Abc)"))
    assert flags == FlagSet(SEEN | JUNK | DELETED, ("abc", "work"))
    assert parse_bare_flags(ImapCursor(b"\\Seen x")) == FlagSet(SEEN, ("x",))
    assert flagset("\\Seen $junk Work bad(word \\Nope") == FlagSet(SEEN | JUNK, ("work",))


@pytest.mark.parametrize("raw", [b"(\\Recent)", b"(\\Foo)", b"(a  b)", b"(a", b"( a)", b"(%b)" % (b"k" * 129), b"a"])
def test_what_clients_may_not_set_is_refused(raw):
    with pytest.raises(ImapSyntaxError):
        parse_flags(ImapCursor(raw))


@given(st.integers(0, ALL), st.sets(st.from_regex(r"[a-z]{1,5}", fullmatch=True)))
def test_written_flags_read_back(bits, keywords):
    flags = FlagSet(bits, tuple(sorted(keywords)))
    assert parse_flags(ImapCursor(flags.write())) == flags


def test_written_form():
    assert write_flags(0) == b"()"
    assert write_flags(SEEN | JUNK, "a b") == b"(\\Seen $Junk a b)"
