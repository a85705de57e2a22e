import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.metadata import Annotation, MetadataOptions
from app.wire.imap.table import parse_command


@pytest.mark.parametrize("raw", [b'(MAXSIZE 1024 depth infinity) ""', b'"" (DEPTH infinity MAXSIZE 1024)'])
def test_options_stand_before_or_after_the_mailbox(raw):
    command = parse_command(b"a GETMETADATA " + raw + b" (/Shared/Comment /private/x)")
    assert command.options == MetadataOptions(1024, None)
    assert command.entries == ("/shared/comment", "/private/x")


def test_values_may_be_binary_or_nil():
    command = parse_command(b"a SETMETADATA INBOX (/private/a ~{2}\r\n\0x /private/b NIL)")
    assert command.annotations == (Annotation("/private/a", b"\0x"), Annotation("/private/b", None))


@pytest.mark.parametrize(
    "raw",
    [
        b"GETMETADATA x ()",
        b"GETMETADATA x private",
        b"GETMETADATA x (DEPTH 2) /a",
        b"GETMETADATA x /a*",
        b"GETMETADATA x /a//b",
        b"GETMETADATA x /a/",
        b'GETMETADATA x "/a\xc3\xa4"',
        b"SETMETADATA x ()",
        b"SETMETADATA x (/other/a b)",
        b"SETMETADATA x (/private b)",
        b"SETMETADATA x (/shared/vendor/name b)",
    ],
)
def test_bad_forms(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a " + raw)
