"""The page on which the DKIM keys of a domain are replaced."""

from __future__ import annotations

from pathlib import Path

from tests.web.world import World

PAGE = "/admin/domains/example.com/dkim"


def test_keys_are_made_shown_and_taken_away_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        assert "Replace the keys" in admin.get(PAGE).text
        assert admin.post(f"{PAGE}-rotate", {}).status_code == 303
        page = admin.get(PAGE).text
        assert "Keys are being replaced" in page
        assert page.count("not looked for yet") == 2
        assert page.count("v=DKIM1;h=sha256;") >= 2
        assert "Replace the keys" not in page
        assert "New keys of example.com wait" in admin.get("/admin/").text
        assert admin.post(f"{PAGE}-rotate", {}).status_code == 303
        assert "being replaced already" in admin.get(PAGE).text
        admin.post(f"{PAGE}-switch", {})
        assert "not seen in DNS yet" in admin.get(PAGE).text
        assert "Take the new keys away again?" in admin.get(f"{PAGE}-undo").text
        admin.post(f"{PAGE}-undo", {})
        assert "Replace the keys" in admin.get(PAGE).text


def test_a_look_into_dns_that_gets_no_answer_says_so(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post(f"{PAGE}-rotate", {})
        admin.post(f"{PAGE}-check", {})
        assert admin.get(PAGE).text.count("DNS does not answer") == 2


def test_a_domain_that_is_not_there_has_no_such_page(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert world.admin().post("/admin/domains/other.example/dkim-rotate", {}).status_code == 404
