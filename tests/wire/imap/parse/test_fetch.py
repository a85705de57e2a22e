import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.fetch import Attribute, Partial, Section, SectionText
from app.wire.imap.parse.partial import PartialRange
from app.wire.imap.table import parse_command


def items(raw):
    return parse_command(b"a UID FETCH 1 " + raw).items


def test_macros_stand_for_items():
    full = [item.attribute for item in items(b"full")]
    assert full == [item.attribute for item in items(b"(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)")]
    assert [item.attribute for item in items(b"ALL")] == full[:4]
    assert [item.attribute for item in items(b"FAST")] == full[:3]


@pytest.mark.parametrize(
    ("raw", "label", "section", "partial", "sets_seen"),
    [
        (b"BODY[]", b"BODY[]", Section(), None, True),
        (b"body.peek[Text]<5.10>", b"BODY[TEXT]<5>", Section((), SectionText.TEXT), Partial(5, 10), False),
        (b"BODY[1.2.MIME]", b"BODY[1.2.MIME]", Section((1, 2), SectionText.MIME), None, True),
        (b"BODY[3]", b"BODY[3]", Section((3,)), None, True),
        (
            b'BODY.PEEK[HEADER.FIELDS (From "X Y")]',
            b'BODY[HEADER.FIELDS (From "X Y")]',
            Section((), SectionText.HEADER_FIELDS, ("From", "X Y")),
            None,
            False,
        ),
        (
            b"BODY[2.HEADER.FIELDS.NOT (a)]",
            b"BODY[2.HEADER.FIELDS.NOT (a)]",
            Section((2,), SectionText.HEADER_FIELDS_NOT, ("a",)),
            None,
            True,
        ),
        (b"BINARY[1]", b"BINARY[1]", Section((1,)), None, True),
        (b"BINARY.PEEK[]<0.1>", b"BINARY[]<0>", Section(), Partial(0, 1), False),
        (b"BINARY.SIZE[1.1]", b"BINARY.SIZE[1.1]", Section((1, 1)), None, False),
        (b"RFC822", b"RFC822", None, None, True),
        (b"RFC822.HEADER", b"RFC822.HEADER", None, None, False),
        (b"RFC822.TEXT", b"RFC822.TEXT", None, None, True),
        (b"MODSEQ", b"MODSEQ", None, None, False),
    ],
)
def test_items(raw, label, section, partial, sets_seen):
    (item,) = items(raw)
    assert (item.label, item.section, item.partial, item.sets_seen) == (label, section, partial, sets_seen)


def test_preview_may_be_lazy():
    assert [item.is_lazy for item in items(b"(PREVIEW (LAZY) UID)")] == [True, False]
    assert items(b"PREVIEW (CHANGEDSINCE 1)")[0].attribute is Attribute.PREVIEW


def test_items_are_listed_once():
    assert len(items(b"(UID UID BODY[] BODY[])")) == 2


@pytest.mark.parametrize(
    "raw",
    [
        *(b"()", b"FOO", b"(ALL)", b"ALL FAST", b"BODY[MIME]", b"BODY[0]", b"BODY[1.]", b"BODY[1.FOO]", b"BODY["),
        *(b"BODY[]<0.0>", b"BODY[]<1>", b"BODY[HEADER.FIELDS ()]", b"BINARY[TEXT]", b"BINARY.SIZE[1]<0.1>", b"FLAGS[]"),
        *(b"BODY[" + b".".join([b"1"] * 101) + b"]", b"BODY[HEADER.FIELDS (%b)]" % b" ".join([b"a"] * 201), b"UID ()"),
    ],
)
def test_bad_items(raw):
    with pytest.raises(ImapSyntaxError):
        items(raw)


def test_modifiers():
    command = parse_command(b"a UID FETCH 1:* FLAGS (CHANGEDSINCE 12345 VANISHED)")
    assert (command.changedsince, command.vanished) == (12345, True)
    assert parse_command(b"a FETCH 1 (FLAGS) (changedsince 0)").changedsince == 0
    assert parse_command(b"a UID FETCH 1:* FLAGS (PARTIAL 5:2 CHANGEDSINCE 1)").page == PartialRange("5:2", 2, 5)
    for raw in (b"FETCH 1 UID (CHANGEDSINCE 1 VANISHED)", b"UID FETCH 1 UID (VANISHED)", b"FETCH 1 UID (FOO)"):
        with pytest.raises(ImapSyntaxError):
            parse_command(b"a " + raw)


def test_the_position_of_a_mistake_counts_from_the_start_of_the_command():
    with pytest.raises(ImapSyntaxError) as caught:
        parse_command(b"a FETCH 1 (FLAGS NOPE)")
    assert caught.value.offset == 17
