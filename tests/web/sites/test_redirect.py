"""Where WebRedirect sends a request."""

from __future__ import annotations

import pytest

from app.config.regexp import Regexp
from app.config.webhandlers import WebRedirect
from app.web.sites.redirect import AskedUrl, NotFound, redirect_target


def _target(rule: WebRedirect, path: str = "/a/b", scheme: str = "https") -> str | None:
    return redirect_target(rule, AskedUrl(scheme=scheme, host="www.example", path=path, query="q=1"))


def _rule(regexp: str, replacement: str, base: str = "") -> WebRedirect:
    return WebRedirect(base_url=base, orig_path_regexp=Regexp(regexp), replace_path=replacement)


@pytest.mark.parametrize(
    ("regexp", "replacement", "path", "target"),
    [
        ("^/old/(.*)$", "/new/$1", "/old/x/y", "/new/x/y"),
        ("^/old/(.*)$", "/new/${1}z", "/old/x", "/new/xz"),
        ("^/old/(.*)$", "/new/$1z", "/old/x", "/new/"),  # a group called 1z, as in Go
        ("^/(?P<who>[a-z]+)$", "/~$who/", "/ann", "/~ann/"),
        ("a", "b", "/banana", "/bbnbnb"),
        ("^/x$", "/$$1", "/x", "/$1"),
        ("^/(.*)$", "//evil.example/$1", "/x", "/evil.example/x"),
        ("^/(.*)$", "$1", "//evil.example", "/evil.example"),
        ("^/a(b)?$", "/c$1", "/a", "/c"),
        ("x*", "-", "/ab", "/-/-a-b-"),  # empty matches, as Go's ReplaceAllString has them
        ("^/é$", "/\u00fc \n", "/é", "/%C3%BC%20%0A"),
    ],
)
def test_path_is_rewritten(regexp: str, replacement: str, path: str, target: str) -> None:
    assert _target(_rule(regexp, replacement), path) == f"https://www.example{target}?q=1"


def test_path_that_does_not_match_is_not_found() -> None:
    with pytest.raises(NotFound):
        _target(_rule("^/old/", "/new/"))


def test_base_url_brings_its_query_and_fragment() -> None:
    rule = WebRedirect(base_url="https://shop.example:8443?from=here#top")
    assert _target(rule) == "https://shop.example:8443/a/b?from=here&q=1#top"


@pytest.mark.parametrize(
    ("rule", "scheme", "passes"),
    [
        (WebRedirect(base_url="https://www.example"), "https", True),
        (WebRedirect(base_url="https://WWW.example"), "https", True),
        (WebRedirect(base_url="https://www.example:443"), "https", True),
        (WebRedirect(base_url="http://www.example:80"), "http", True),
        (WebRedirect(base_url="https://www.example:80"), "https", False),
        (WebRedirect(base_url="https://www.example"), "http", False),
        (WebRedirect(base_url="https://other.example"), "https", False),
        (_rule("^/a/(.)$", "/a/$1"), "https", True),
    ],
)
def test_redirect_to_where_the_client_is_passes(rule: WebRedirect, scheme: str, passes: bool) -> None:
    assert (_target(rule, scheme=scheme) is None) == passes


def test_long_path_costs_bounded_work() -> None:
    rule = _rule("a+b|a", "$0$0$0")
    with pytest.raises(NotFound):
        _target(rule, "/" + "a" * 8000)
    assert _target(rule, "/" + "a" * 500) is not None
