"""Renders the pages in templates/: Jinja2 with everything escaped, and a few filters for sizes and times.

A name that a template does not get is an error, not an empty string. Times are UTC and marked up as such; the page's
script shows them in the reader's own time zone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.assets import asset_path
from app.clock import utc
from app.operations.status.words import age, plural, size
from app.web import statics
from app.web.browsers import browser_words


@functools.cache
def environment() -> Environment:
    """The templates of this program."""
    made = Environment(
        loader=FileSystemLoader(asset_path("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(bytes=size, when=show_time, ago=age, plural=plural, segment=segment, browser=browser_words)
    return made


def render(name: str, /, base: str = "/", **values: object) -> str:
    """The page; `base` is the path of its application, below which `url` and `static` are."""
    return environment().get_template(name).render(url=_below(base), static=_static(base), **values)


def _below(base: str) -> Callable[[str], str]:
    def below(path: str = "/") -> str:
        return base.rstrip("/") + path

    return below


def _static(base: str) -> Callable[[str], str]:
    return functools.partial(statics.url, base)


def show_time(seconds: float | None) -> Markup:
    """A moment (seconds since 1970) in UTC, which a script turns into the reader's own time."""
    if not seconds:
        return Markup("never")
    moment = utc(seconds)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M")
    )


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="@+")
