"""The page of web sites: handlers and redirects saved at once, conflicts told, and which of them answers a URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.operations import websites
from tests.support.configuration import MOX_CONF
from tests.web.world import Visitor, World

SITE = {"domain": "www.example", "path": "^/"}
FORMS: Mapping[str, Mapping[str, str]] = {
    "static": {**SITE, "root": "/srv/www", "prefix": "/a/", "list": "yes", "compress": "yes", "headers": "X-A: b: c"},
    "redirect": {
        **SITE,
        "base": "https://other.example",
        "original": "^/x$",
        "replacement": "/y",
        "status": "302",
        "compress": "yes",
    },
    "forward": {
        **SITE,
        "url": "http://127.0.0.1:8080/app",
        "strip": "yes",
        "plain": "yes",
        "name": "shop",
        "compress": "yes",
    },
    "internal": {**SITE, "service": "account", "below": "/mail/"},
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    text = MOX_CONF.replace("Postmaster:", "\t\tWebserverHTTP:\n\t\t\tEnabled: true\nPostmaster:", 1)
    with World(tmp_path, mox_conf=text) as world:
        yield world


def _add(admin: Visitor, world: World, kind: str, **changes: str) -> int:
    fields = {**FORMS[kind], "kind": kind, "at": "", "seen": _seen(world), **changes}
    return admin.post("/admin/webserver/handler", fields).status_code


def _seen(world: World) -> str:
    return websites.seen_handlers(world.live.dynamic)


def _paths(world: World) -> list[str]:
    return [handler.path_regexp.text for handler in world.live.dynamic.web_handlers]


def test_every_kind_is_saved_and_shown_again_as_it_is(world: World) -> None:
    admin = world.admin()
    assert "No handlers yet" in admin.get("/admin/webserver").text
    for kind in FORMS:
        assert "checked" not in admin.get(f"/admin/webserver/handler?kind={kind}").text or kind == "static"
        assert _add(admin, world, kind) == 303
    static, redirect, forward, internal = world.live.dynamic.web_handlers
    assert static.web_static is not None
    assert dict(static.web_static.response_headers) == {"X-A": "b: c"}
    assert redirect.web_redirect is not None
    assert (redirect.web_redirect.status_code, redirect.web_redirect.replace_path) == (302, "/y")
    assert forward.web_forward is not None
    assert (forward.log_name, forward.web_forward.strip_path, forward.dont_redirect_plain_http) == ("shop", True, True)
    assert internal.web_internal is not None
    before = world.live.dynamic.web_handlers
    assert [handler.compress for handler in before] == [True, True, True, False]
    for at, kind in enumerate(FORMS):
        page = admin.get(f"/admin/webserver/handler?at={at}").text
        assert 'name="compress"' in page
        assert all(
            f'value="{value}"' in page for name, value in FORMS[kind].items() if name not in ("headers", "service")
        )
        assert _add(admin, world, kind, at=str(at)) == 303
    assert world.live.dynamic.web_handlers == before


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        ("static", {"path": "/x"}, "ust start with ^"),
        ("static", {"path": "^(("}, "ad regular expression"),
        ("static", {"root": ""}, "Please fill this in"),
        ("static", {"headers": "no colon"}, "has no colon"),
        ("static", {"headers": "b d: x"}, "is not the name of a header field"),
        ("redirect", {"replacement": ""}, "eeds ReplacePath"),
        ("redirect", {"status": "200"}, "from 300 to 399"),
        ("forward", {"url": "ftp://x"}, "starts with https://"),
        ("internal", {"below": "mail"}, "ust start and end with a slash"),
        ("static", {"domain": "<b>"}, "omain"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(world: World, kind: str, changes: dict[str, str], sentence: str) -> None:
    admin = world.admin()
    page = admin.post("/admin/webserver/handler", {**FORMS[kind], "kind": kind, "at": "", **changes})
    assert page.status_code == 422
    assert sentence in page.text
    assert 'aria-invalid="true"' in page.text
    assert world.live.dynamic.web_handlers == ()


def test_handlers_are_moved_and_removed_at_once(world: World) -> None:
    admin = world.admin()
    for path in ("^/a", "^/b", "^/c"):
        _add(admin, world, "forward", path=path)
    admin.post("/admin/webserver", {"do": "up.2", "seen": _seen(world)})
    assert _paths(world) == ["^/a", "^/c", "^/b"]
    admin.post("/admin/webserver", {"do": "down.0", "seen": _seen(world)})
    assert _paths(world) == ["^/c", "^/a", "^/b"]
    admin.post("/admin/webserver", {"do": "remove.1", "seen": _seen(world)})
    assert _paths(world) == ["^/c", "^/b"]
    for verb in ("up.0", "down.1", "remove.7", "remove.x", "up.-1", "nonsense"):
        admin.post("/admin/webserver", {"do": verb, "seen": _seen(world)})
        assert _paths(world) == ["^/c", "^/b"]


def test_change_of_somebody_else_stops_a_change_by_place(world: World) -> None:
    admin = world.admin()
    for path in ("^/a", "^/b"):
        _add(admin, world, "forward", path=path)
    seen = _seen(world)
    websites.remove_handler(world.live, 0, seen="", by="other")
    page = admin.post("/admin/webserver", {"do": "remove.0", "seen": seen})
    assert (page.status_code, _paths(world)) == (409, ["^/b"])
    assert "Somebody else changed" in page.text
    fields = {**FORMS["forward"], "kind": "forward", "at": "0", "seen": seen, "path": "^/mine"}
    page = admin.post("/admin/webserver/handler", fields)
    assert (page.status_code, _paths(world)) == (409, ["^/b"])
    assert "^/mine" in page.text
    assert admin.post("/admin/webserver/handler", {**fields, "seen": _seen(world)}).status_code == 303
    assert _paths(world) == ["^/mine"]


def test_redirects_of_names(world: World) -> None:
    admin = world.admin()
    assert (
        admin.post("/admin/webserver/redirect", {"source": "old.example", "target": "new.example"}).status_code == 303
    )
    assert "https://new.example" in admin.get("/admin/webserver").text
    page = admin.post("/admin/webserver/redirect", {"source": "new.example", "target": "new.example"})
    assert (page.status_code, "redirects to itself" in page.text.lower()) == (422, True)
    assert admin.post("/admin/webserver/redirect", {"source": "a b", "target": ""}).status_code == 422
    page = admin.post("/admin/webserver/redirect", {"source": "old.example", "target": "other.example"})
    assert (page.status_code, "leads to new.example already" in page.text) == (422, True)
    page = admin.post("/admin/webserver/redirect", {"source": "new.example", "target": "old.example"})
    assert (page.status_code, "leads back to it" in page.text) == (422, True)
    admin.post("/admin/webserver/redirect/remove", {"source": "old.example"})
    assert not world.live.dynamic.web_domain_redirects


def test_url_is_explained(world: World, tmp_path: Path) -> None:
    admin = world.admin()
    (tmp_path / "there.txt").write_text("x")
    (tmp_path / "listed").mkdir()
    (tmp_path / "out").symlink_to("/etc/passwd")
    _add(admin, world, "redirect", path="^/old/", original="^/old/(.*)$", replacement="/$1", base="")
    _add(admin, world, "static", path="^/", root=str(tmp_path), prefix="/", **{"pass": "yes"})
    _add(admin, world, "forward", name="behind")
    admin.post("/admin/webserver/redirect", {"source": "old.example", "target": "www.example"})
    for url, findings in {
        "https://www.example/old/a?b": ("redirects to https://www.example/a?b (302)",),
        "http://www.example/x": ("passes: /x does not match ^/old/", "matches, and sends it to https first"),
        "https://www.example/there.txt": (f"sends the file {tmp_path}/there.txt",),
        "https://www.example/x/../none": (
            f"passes: there is no file {tmp_path}/none",
            "Handler 3, behind: <strong>passes it on to http://127.0.0.1:8080/app/none",
        ),
        "https://www.example/listed": (f"sends it to /listed/, as {tmp_path}/listed is a directory",),
        "https://www.example/listed/": (f"shows what is in the directory {tmp_path}/listed",),
        "https://www.example/out": (f"passes: there is no file {tmp_path}/out to be read",),
        "https://old.example/a": ("sends it to https://www.example with the same path",),
        "https://unknown.example/": ("no rule is for this name",),
        "nonsense": ("Give a whole URL",),
        "ftp://www.example/": ("begins with https://",),
    }.items():
        page = admin.client.get("/admin/webserver", params={"url": url}).text
        assert all(finding in page for finding in findings), (url, page)


def test_pages_of_what_is_not_there(world: World) -> None:
    admin = world.admin()
    for query in ("at=0", "at=x", "kind=none", ""):
        assert admin.get(f"/admin/webserver/handler?{query}").status_code == 404
