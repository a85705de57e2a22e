"""Who gets in, and what everybody else sees."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from quickstart.gate import Rules
from tests.quickstart.world import ORIGIN, PASSWORD, SetupWorld

PATHS = ("/", "/address", "/machine/state", "/dns/zone", "/admin", "/.env", "/setup/", "/install/state", "/nothing")


def test_without_a_session_every_path_gives_the_same_page_before_and_after_the_claim(tmp_path: Path) -> None:
    async def look() -> set[str]:
        stranger = world.browser()
        return {f"{(one := await stranger.get(path)).status_code} {one.text}" for path in PATHS}

    async def run() -> None:
        before = await look()
        await world.claimed()
        after = await look()
        assert before == after
        assert len(before) == 1
        assert "mox" not in before.pop().partition("<body>")[2].lower()

    world = SetupWorld(tmp_path)
    asyncio.run(run())


def test_a_wrong_link_and_one_that_was_used_get_the_same_answer(tmp_path: Path) -> None:
    async def run() -> None:
        unclaimed = await world.browser().post("/claim", code="wrong")
        token = world.wizard.claims.new_link()
        assert (await world.browser().post("/claim", code=token)).url.path == "/address"
        used = await world.browser().post("/claim", code=token)
        assert (used.status_code, used.text) == (unclaimed.status_code, unclaimed.text)
        assert "setup-link" in used.text

    world = SetupWorld(tmp_path)
    asyncio.run(run())


def test_the_session_cookie_is_for_this_server_and_its_pages_only(tmp_path: Path) -> None:
    async def cookie(origin: str, *, is_tls: bool) -> str:
        browser = world.browser(origin, is_tls=is_tls)
        browser.http.follow_redirects = False
        response = await browser.post("/claim", code=world.wizard.claims.new_link())
        return response.headers["set-cookie"]

    world = SetupWorld(tmp_path)
    plain = asyncio.run(cookie(ORIGIN, is_tls=False))
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(plain.split("; "))
    secure = asyncio.run(cookie("https://192.0.2.1:8000", is_tls=True))
    assert secure.startswith("__Host-setup=")
    assert "Secure" in secure.split("; ")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "", "[::1", "[::1]evil.example"]
)
def test_names_that_are_not_ours_are_refused_even_with_a_session(tmp_path: Path, host: str) -> None:
    async def run() -> httpx.Response:
        browser = await SetupWorld(tmp_path).claimed()
        return await browser.http.get("/address", headers={"Host": host})

    assert asyncio.run(run()).status_code == 421


@pytest.mark.parametrize("path", ["/set%0aup", "/sta%09tic/page.js", "/static/page.js/", "//static/page.js"])
def test_only_the_exact_paths_are_open(tmp_path: Path, path: str) -> None:
    async def run() -> None:
        answer = await world.browser().http.get(ORIGIN + path)
        assert answer.status_code == 404

    world = SetupWorld(tmp_path)
    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost", "[::1]:8000", "192.0.2.1", "BOX:8000"])
def test_ip_addresses_and_own_names_are_ours_at_any_port(host: str) -> None:
    assert Rules(is_tls=False, names=("box",)).is_own_host(host)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8000", None])
def test_forms_of_other_sites_are_refused(tmp_path: Path, origin: str | None) -> None:
    async def run() -> None:
        browser = await world.claimed()
        headers = {"Origin": origin} if origin else {}
        data = {"csrf": browser.csrf, "address": "eve@example.org"}
        assert (await browser.http.post("/address", data=data, headers=headers)).status_code == 403
        assert world.draft.options is None

    world = SetupWorld(tmp_path)
    asyncio.run(run())


def test_a_form_needs_the_token_of_its_own_session(tmp_path: Path) -> None:
    async def run() -> None:
        browser = await world.claimed()
        for wrong in ("", "0" * 64, "ü"):
            browser.csrf = wrong
            assert (await browser.post("/address", address="eve@example.org")).status_code == 403
        assert world.draft.options is None

    world = SetupWorld(tmp_path)
    asyncio.run(run())


@pytest.mark.parametrize(
    "body", [b"csrf=" + b"a" * 100_000, b"\xff\xfe", b"&".join(b"a=b" for _ in range(100)), b"a=%ff"]
)
def test_what_is_no_form_of_ours_is_refused_in_words(tmp_path: Path, body: bytes) -> None:
    async def run() -> None:
        browser = await SetupWorld(tmp_path).claimed()
        response = await browser.http.post("/address", content=body, headers={"Origin": ORIGIN})
        assert response.status_code in (400, 403)
        assert "form" in response.text or "being set up" in response.text

    asyncio.run(run())


def test_a_lost_browser_comes_back_with_the_password_once_there_is_one(tmp_path: Path) -> None:
    async def run() -> None:
        assert (await world.browser().post("/login", password="")).status_code == 403
        browser = await world.claimed()
        await browser.post("/address", address="you@example.org")
        await browser.post("/password", password=PASSWORD, again=PASSWORD)
        other = world.browser()
        assert (await other.post("/login", password="wrong horse")).status_code == 403
        assert (await other.get("/address")).status_code == 404
        assert (await other.post("/login", password=PASSWORD)).url.path == "/machine"
        assert (await browser.get("/address")).status_code == 200, "the first browser stays in"
        await other.post("/logout")
        assert (await other.get("/address")).status_code == 404
        await world.wizard.close()

    world = SetupWorld(tmp_path)
    asyncio.run(run())


def test_a_thousand_parallel_claims_over_http_make_one_session(tmp_path: Path) -> None:
    async def run() -> int:
        token = world.wizard.claims.new_link()
        browsers = [world.browser() for _ in range(100)]
        for browser in browsers:
            browser.http.follow_redirects = False
        claims = [browser.post("/claim", code=token) for browser in browsers for _ in range(10)]
        return sum(response.status_code == 303 for response in await asyncio.gather(*claims))

    world = SetupWorld(tmp_path)
    assert asyncio.run(run()) == 1
