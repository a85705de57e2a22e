"""Fields of forms: typed values, a sentence for each fault, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refusal
from app.web.forms import Change, Form
from app.wire.domain import Domain, parse_domain


def form(**values: str) -> Form:
    return Form({name: [value] for name, value in values.items()})


def refuse(text: str) -> str:
    raise Refusal("no such thing here")


def test_text_is_stripped_and_given_back_as_typed():
    sent = form(name="  Jane ")
    assert sent.text("name") == "Jane"
    assert sent.value("name") == "  Jane "
    assert sent.is_ok


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "Please fill this in."),
        ("   ", "Please fill this in."),
        ("x" * 11, "This is too long; at most 10 characters fit."),
        ("a\nb", "This has characters that cannot be shown, such as a line break."),
        ("a\x9bb", "This has characters that cannot be shown, such as a line break."),
    ],
)
def test_text_that_cannot_be_is_explained_beside_the_field(value: str, sentence: str):
    sent = form(name=value)
    sent.text("name", max_length=10)
    assert sent.errors == {"name": sentence}


@pytest.mark.parametrize("value", ["", "x", "1.5", "٣", "--1", "9" * 30, "11", "-1"])
def test_number_outside_its_bounds_or_no_number_is_an_error(value: str):
    sent = form(count=value)
    sent.number("count", 0, 10)
    assert "count" in sent.errors


def test_empty_number_may_have_a_default():
    assert form(count=" ").number("count", 0, 10, default=3) == 3


def test_password_keeps_its_blanks():
    assert form(password=" a b ").password("password") == " a b "


def test_choice_takes_only_what_was_offered():
    assert form(mode="testing").choice("mode", ("testing", "enforce")) == "testing"
    sent = form(mode="<script>")
    sent.choice("mode", ("testing", "enforce"))
    assert not sent.is_ok


def test_parsed_field_becomes_a_value_or_a_sentence():
    assert form(domain="Example.ORG").parsed("domain", parse_domain) == Domain("example.org")
    sent = form(domain="a b", thing="x", number="y")
    assert sent.parsed("domain", parse_domain) is None
    assert sent.parsed("thing", refuse) is None
    assert sent.parsed("number", int) is None
    assert sent.errors["thing"] == "No such thing here."
    assert all(text[0].isupper() and text.endswith(".") for text in sent.errors.values())


def test_empty_field_that_may_be_empty_is_no_error():
    sent = form(domain="")
    assert sent.parsed("domain", parse_domain, required=False) is None
    assert sent.is_ok


def test_change_by_somebody_else_is_noticed_and_own_line_breaks_are_not():
    sent = form(name="mine", **{"was.name": "old", "was.text": "a\r\nb", "was.same": "x"})
    present = {"name": "theirs", "text": "a\nb", "same": "x", "not on the form": "y"}
    assert sent.changed(present) == [Change("name", "old", "theirs")]


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_sentence(text: str):
    for read in (Form.text, Form.password, Form.lines):
        read(form(field=text), "field")  # type: ignore[operator]
    sent = form(field=text)
    sent.number("field", 0, 10)
    sent.parsed("field", parse_domain)
