import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.session import AuthenticateCommand, IdCommand, IdParameter, LoginCommand, parse_sasl
from app.wire.imap.table import parse_command


def test_login_takes_every_kind_of_string_as_utf8_and_hides_the_password():
    command = parse_command(b'a LOGIN {3}\r\nm@x "p\xc3\xa4ss\\""')
    assert command == LoginCommand("a", "m@x", 'päss"')
    assert "päss" not in repr(command)
    with pytest.raises(ImapSyntaxError):
        parse_command(b'a LOGIN x "\xff"')


def test_the_first_sasl_message_may_come_along_and_may_be_empty():
    assert parse_command(b"a AUTHENTICATE plain") == AuthenticateCommand("a", "PLAIN", None)
    assert parse_command(b"a AUTHENTICATE PLAIN =") == AuthenticateCommand("a", "PLAIN", b"")
    assert parse_command(b"a AUTHENTICATE PLAIN AGEAYg==").initial == b"\0a\0b"
    assert "AGE" not in repr(parse_command(b"a AUTHENTICATE PLAIN AGEAYg=="))


@pytest.mark.parametrize("raw", [b"AGEAYg", b"A", b"AG EA", b"AGEAYg==x", b"!", b"="[:0] + b"===="])
def test_broken_base64_is_refused(raw):
    with pytest.raises(ImapSyntaxError):
        parse_sasl(raw)


def test_a_star_gives_the_exchange_up():
    assert parse_sasl(b"*") is None
    assert parse_sasl(b"") == b""


def test_id_keeps_names_in_lower_case_and_is_bounded():
    assert parse_command(b'a ID ("Name" "x" "version" NIL)') == IdCommand(
        "a", (IdParameter("name", "x"), IdParameter("version", None))
    )
    assert parse_command(b"a ID nil") == IdCommand("a", ())
    for many in (b'"n" NIL ' * 31, b'"%b" NIL ' % (b"n" * 31), b'"n" "%b" ' % (b"v" * 1025)):
        with pytest.raises(ImapSyntaxError):
            parse_command(b"a ID (%b)" % many.rstrip())


def test_enable_needs_a_word():
    assert parse_command(b"a ENABLE condstore IMAP4rev2").capabilities == ("CONDSTORE", "IMAP4REV2")
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a ENABLE")
