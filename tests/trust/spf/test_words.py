"""Records in words."""

from __future__ import annotations

import pytest

from app.trust.spf.record import parse_record
from app.trust.spf.words import explain


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("-all", "everybody may not send"),
        ("a ~all", "everybody else probably may not send"),
        ("?ip6:2001:db8::1", "nothing is said about 2001:db8::1"),
        ("a:h.example/24", "the networks around the addresses of h.example may send"),
        ("redirect=b.example", "for everybody else the record of b.example decides"),
        ("x-new=%{d}", "unknown, and passed over"),
        ("exists:%{i}.b.example -all", "those for whom %{i}.b.example has an address may send"),
    ],
)
def test_each_term_has_a_sentence(record: str, words: str) -> None:
    assert words in [line.words for line in explain(parse_record(b"v=spf1 " + record.encode())).lines]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("-all a", "what follows -all is never tried"),
        ("all", "lets the whole world send"),
        ("mx", "nothing is said about everybody else"),
        ("a " * 10 + "redirect=b.example", "11 terms ask DNS"),
        ("ptr -all", "not to be used any more"),
        ("-all redirect=b.example", "redirect= does nothing"),
    ],
)
def test_the_owner_is_warned(record: str, words: str) -> None:
    assert words in " ".join(explain(parse_record(b"v=spf1 " + record.encode())).remarks)


def test_a_good_record_has_no_remarks() -> None:
    assert explain(parse_record(b"v=spf1 mx ip4:192.0.2.1 -all")).remarks == ()
