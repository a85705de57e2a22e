"""Which coding a client gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.sites.encoding import choose, is_compressible

OFFERED = ("br", "zstd", "gzip")


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip;q=1.0", "gzip"),
        ("GZIP ; Q=0.5", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.9", "gzip"),
        ("gzip;q=0", "identity"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("*;q=0.5, br;q=0", "zstd"),
        ("identity", "identity"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=1", "gzip"),
        ("deflate", "identity"),
        ("gzip;q=2", "identity"),
        ("gzip;q=", "identity"),
        ("gzip;level=9", "identity"),
        (";q=1,,,\0 gzip", "identity"),
        ("gzip" + "," * 100_000, "gzip"),
    ],
)
def test_client_gets_what_it_likes_best(field: str, coding: str) -> None:
    assert choose(field, OFFERED) == coding


@given(st.text(alphabet="gzipbr*;q=01., \t\0é"))
def test_any_field_gets_an_answer(field: str) -> None:
    assert choose(field, OFFERED) in (*OFFERED, "identity")


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("text/html; charset=utf-8", True),
        ("application/atom+xml", True),
        ("image/svg+xml", True),
        ("application/json", True),
        ("image/png", False),
        ("application/gzip", False),
        ("", False),
    ],
)
def test_what_is_worth_it(media_type: str, expected: bool) -> None:
    assert is_compressible(media_type) == expected
