"""Paths without dots."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.sites.pathrules import clean_path, is_clean


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("", "/"),
        ("/a/b/", "/a/b/"),
        ("/a//b", "/a/b"),
        ("//a", "/a"),
        ("/a/./b/.", "/a/b/"),
        ("/a/../../b", "/b"),
        ("/a/..", "/"),
        ("/..a/b..", "/..a/b.."),
        ("/a/b/..", "/a/"),
        ("a", "/a"),
    ],
)
def test_dots_and_empty_segments_are_followed(path: str, clean: str) -> None:
    assert clean_path(path) == clean


@given(st.text(alphabet="/.ab", max_size=20))
def test_clean_path_is_clean_and_names_the_same(text: str) -> None:
    path = "/" + text
    clean = clean_path(path)
    assert is_clean(clean)
    assert clean_path(clean) == clean
    assert (clean.rstrip("/") or "/") == posixpath.normpath(path).replace("//", "/")
