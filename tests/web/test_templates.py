"""Sizes and times as people read them, and hostile text as text."""

from __future__ import annotations

import pytest

from app.operations.status.words import age, size
from app.web import statics
from app.web.templates import environment, render, show_time


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        *((0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (99_499, "99.5 kB"), (123_456, "123 kB")),
        *((999_499, "999 kB"), (999_500, "1.0 MB"), (5 * 10**9, "5.0 GB"), (10**15, "1000 TB")),
    ],
)
def test_sizes_have_three_digits(count: int, shown: str):
    assert size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 seconds"), (61, "1 minute"), (7200, "2 hours"), (-90000, "1 day")]
)
def test_ages_have_one_unit(seconds: float, shown: str):
    assert age(seconds) == shown


def test_times_are_marked_up_in_utc():
    assert show_time(0) == "never"
    assert show_time(1e9) == '<time datetime="2001-09-09T01:46:40Z">2001-09-09 01:46 UTC</time>'


def test_hostile_text_is_shown_as_text_everywhere():
    page = render("error.html", title="<b>", sentences=["<script>alert(1)</script>", '"><img src=x>'])
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_every_template_can_be_read():
    for name in environment().list_templates():
        environment().get_template(name)


def test_static_files_are_named_by_their_content():
    assert statics.url("/admin/", "app.css") == f"/admin/static/app.css?v={statics.files()['app.css'].digest}"
    with pytest.raises(KeyError):
        statics.url("/", "../mox.conf")
