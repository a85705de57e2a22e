import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.modutf7 import decode, encode


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 §5.1.3
        (b"A&-B", "A&B"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"&2D3eAA-", "😀"),
        (b"&AOk-&-&AOk-", "é&é"),
    ],
)
def test_names_decode_and_encode(raw, name):
    assert decode(raw) == name
    assert encode(name) == raw


@pytest.mark.parametrize(
    "raw", [b"&", b"&AOk", b"&A-", b"&AGE-", b"&AOk-&AOk-", b"&AOl-x\xff", "é".encode(), b"&2D0-", b"&A/k-", b"&AOkA-"]
)
def test_every_other_form_of_a_name_is_refused(raw):
    with pytest.raises(ImapSyntaxError):
        decode(raw)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_every_name_has_a_form_that_reads_back(name):
    assert decode(encode(name)) == name


@given(st.binary(max_size=30))
def test_no_name_has_two_forms(raw):
    try:
        name = decode(raw)
    except ImapSyntaxError:
        return
    assert encode(name) == raw
