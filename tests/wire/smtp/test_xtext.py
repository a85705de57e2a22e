"""xtext and original recipients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SmtpSyntaxError
from app.wire.smtp.xtext import decode_xtext, encode_xtext, split_original_recipient


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))).filter(str.isprintable))
def test_text_survives(text):
    assert decode_xtext(encode_xtext(text)) == text


@pytest.mark.parametrize("text", ["a b", "a=b", "+", "+4", "+4g", "+2b", "+0D+0A", "+FF", "ü"])
def test_bad_xtext(text):
    with pytest.raises(SmtpSyntaxError):
        decode_xtext(text)


def test_original_recipient():
    assert split_original_recipient("RFC822;a+2Bb@example.org") == ("rfc822", "a+b@example.org")
    assert split_original_recipient("utf-8;ü@example.org") == ("utf-8", "ü@example.org")
