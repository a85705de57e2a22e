"""Which rule of domains.conf answers which request, through the whole application of a port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app import log
from app.web.mounts import Mount, MountKind
from tests.support.clock import SetClock
from tests.support.configuration import DOMAINS_CONF, MOX_CONF
from tests.web.world import MOUNTS, World

WEBSERVER = "\t\tWebserverHTTP:\n\t\t\tEnabled: true\n"
SITES = (*MOUNTS, Mount(kind=MountKind.SITES, is_limited=False))
NAMED = DOMAINS_CONF.replace("example.com:", "example.com:\n\t\tClientSettingsDomain: mail.example.com", 1)
RULES = """WebDomainRedirects:
\told.example: www.example
WebHandlers:
\t-
\t\tDomain: www.example
\t\tPathRegexp: ^/moved/
\t\tWebRedirect:
\t\t\tOrigPathRegexp: ^/moved/([a-z]+)/(.*)$
\t\t\tReplacePath: /new/$2/${1}
\t\t\tStatusCode: 302
\t-
\t\tDomain: www.example
\t\tPathRegexp: ^/
\t\tDontRedirectPlainHTTP: true
\t\tWebRedirect:
\t\t\tBaseURL: https://www.example
\t-
\t\tLogName: secret door
\t\tDomain: www.example
\t\tCompress: true
\t\tPathRegexp: ^/door/
\t\tWebInternal:
\t\t\tBasePath: /door/
\t\t\tService: admin
\t-
\t\tDomain: www.example
\t\tPathRegexp: ^/mail/
\t\tWebInternal:
\t\t\tBasePath: /mail/
\t\t\tService: webmail
\t-
\t\tDomain: mx.example.com
\t\tPathRegexp: ^/shop/
\t\tWebRedirect:
\t\t\tBaseURL: https://shop.example?from=mx#top
\t-
\t\tDomain: mail.example.com
\t\tPathRegexp: ^/shop/
\t\tWebRedirect:
\t\t\tBaseURL: https://shop.example
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    mox_conf = MOX_CONF.replace("Postmaster:", WEBSERVER + "Postmaster:", 1)
    with World(
        tmp_path,
        mox_conf=mox_conf,
        domains_conf=NAMED + RULES,
        mounts=SITES,
    ) as world:
        yield world


def _ask(world: World, url: str) -> httpx.Response:
    return world.visitor().client.get(url, follow_redirects=False)


@pytest.mark.parametrize(
    ("url", "status", "target"),
    [
        ("http://old.example/a?b=c", 308, "https://www.example/a?b=c"),
        ("https://old.example/", 308, "https://www.example/"),
        ("https://www.example/moved/cats/7?x=1", 302, "https://www.example/new/7/cats?x=1"),
        ("https://www.example/moved/CATS/7", 404, ""),
        ("http://www.example/moved/cats/7", 308, "https://www.example/moved/cats/7"),
        ("http://www.example/x", 308, "https://www.example/x"),  # by the rule that would loop with https
        ("https://www.example/x", 404, ""),
        ("https://www.example/x/../moved/a/b", 302, "https://www.example/new/b/a"),
        ("https://www.example//moved/a/b", 302, "https://www.example/new/b/a"),
        ("https://www.example:8443/moved/a/b", 302, "https://www.example:8443/new/b/a"),
        ("https://www.example/door/", 303, "/door/login"),
        ("https://www.example/mail/", 404, ""),
        ("https://www.example/account/", 404, ""),  # our pages are not for the names of sites
        ("https://mx.example.com/account/", 303, "/account/login"),  # this one is also the server's own
        ("https://mail.example.com/account/", 303, "/account/login"),  # and this one, for mail programs
        ("https://mx.example.com/shop/a?b", 308, "https://shop.example/shop/a?from=mx&b#top"),
        ("https://unknown.example/", 421, ""),
        ("https://www.example/mail/config-v1.1.xml", 404, ""),  # files for mail programs are for names of ours
        ("https://www.example/" + "a" * 9000, 414, ""),
    ],
)
def test_first_rule_that_does_not_pass_answers(world: World, url: str, status: int, target: str) -> None:
    answer = _ask(world, url)
    assert (answer.status_code, answer.headers.get("location", "")) == (status, target)


def test_compressed_when_the_handler_says_so(world: World) -> None:
    assert _ask(world, "https://www.example/door/login").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in _ask(world, "https://mx.example.com/account/login").headers


def test_changed_rules_are_in_effect_with_the_next_request(world: World) -> None:
    assert _ask(world, "https://www.example/moved/a/b").status_code == 302
    text = world.live.domains_path.read_bytes().replace(b"StatusCode: 302", b"StatusCode: 307")
    world.live.replace_text(text, world.live.shown().digest)
    assert _ask(world, "https://www.example/moved/a/b").status_code == 307


def test_access_log_names_the_handler_and_hides_queries_of_our_own_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(log.SETTINGS, "write", lines.append)
    monkeypatch.setattr(log.SETTINGS, "packages", {"httpaccess": log.Level.DEBUG})
    _ask(world, "https://www.example/moved/cats/7?q=1")
    _ask(world, "https://mx.example.com/account/login?next=secret")
    _ask(world, "http://old.example/" + "x" * 1000)
    site, own, long = (line for line in lines if "pkg=httpaccess" in line)
    assert 'handler=www.example-0 method=GET url="/moved/cats/7?q=1" host=www.example' in site
    assert "statuscode=302 " in site
    assert "url=/account/login " in own
    assert "secret" not in own
    assert "handler=(domainredirect)" in long
    assert len(long) < 1000


def test_one_network_cannot_ask_without_end(tmp_path: Path) -> None:
    mounts = (Mount(kind=MountKind.SITES),)
    with World(tmp_path, mounts=mounts, clock=SetClock()) as world:
        client = world.visitor().client
        client._transport.client = ("9.9.9.9", 1)  # type: ignore[attr-defined]
        answers = [client.get("/x").status_code for _ in range(1001)]
        assert set(answers[:1000]) == {404}
        assert answers[1000] == 429
        client._transport.client = ("10.0.0.1", 1)  # type: ignore[attr-defined]
        assert client.get("/x").status_code == 404
