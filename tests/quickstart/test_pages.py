"""The steps from the address to the end, each killed and gone on with, each with what can be wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import html
import re
from pathlib import Path

import httpx
import pytest

from app.config.live import Live
from app.errors import Temporary
from app.operations import adminpassword
from app.wire.domain import Domain
from quickstart.draft import Started
from quickstart.machine import Binding
from quickstart.steps import Step
from tests.quickstart.world import PASSWORD, Browser, SetupWorld
from tests.support.machines import ips

HOSTILE = '"><script>alert(1)</script>'


async def until_installed(world: SetupWorld, browser: Browser) -> httpx.Response:
    await browser.post("/address", address="you@example.org")
    await browser.post("/password", password=PASSWORD, again=PASSWORD)
    await browser.post("/machine")
    await browser.post("/dns")
    await browser.post("/review")
    for _ in range(200):
        response = await browser.get("/install")
        if world.wizard.installer and world.wizard.installer.is_over:
            return await browser.get("/install")
        await asyncio.sleep(0.01)
    return response


def test_every_step_in_turn_ends_with_files_that_load(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        response = await until_installed(world, browser)
        assert "The server runs" in response.text
        live = Live.open(tmp_path / "config" / "mox.conf")
        assert Domain("example.org") in live.dynamic.domains
        assert adminpassword.check((tmp_path / "config" / "adminpasswd").read_text(), PASSWORD)
        assert (world.draft.started, world.system.started) == (Started.CHILD, ["mox.conf"])
        assert [path.name for path in (tmp_path / "setup").iterdir() if path.name == "stage"] == []
        assert (await browser.get("/address")).url.path == "/proof", "what was decided stands"

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


@pytest.mark.parametrize("stop_before", ["/password", "/machine", "/dns", "/review"])
def test_killed_before_any_step_it_goes_on_there_with_the_same_records(tmp_path: Path, stop_before: str) -> None:
    steps = {"/address": {"address": "you@example.org"}, "/password": {"password": PASSWORD, "again": PASSWORD}}

    async def run() -> None:
        browser = await world.claimed()
        cookies, shown = browser.http.cookies, ""
        for path in ("/address", "/password", "/machine", "/dns", "/review"):
            if path == stop_before:
                shown = (await browser.get("/dns/zone")).text if path == "/review" else ""
                await world.wizard.close()
                world.restarted()
                browser = dataclasses.replace(world.browser(), csrf=browser.csrf)
                browser.http.cookies = cookies
                assert (await browser.get("/")).url.path == path
                assert not shown or (await browser.get("/dns/zone")).text == shown
            await browser.post(path, **steps.get(path, {}))
        assert world.draft.progress.next in (Step.INSTALL, Step.PROOF)
        await world.wizard.close()

    world = SetupWorld(tmp_path)
    asyncio.run(run())


def test_killed_while_files_were_written_it_writes_them_again(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        (tmp_path / "setup" / "installing").touch()  # what a killed installation leaves
        (tmp_path / "data").mkdir()
        (tmp_path / "setup" / "stage").mkdir()
        assert "The server runs" in (await until_installed(world, browser)).text
        assert Live.open(tmp_path / "config" / "mox.conf")

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_files_of_others_are_never_touched(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "precious").touch()
        response = await until_installed(world, browser)
        assert "There already" in response.text
        assert "Try again" in response.text
        assert (tmp_path / "data" / "precious").exists()
        assert not (tmp_path / "config").exists()

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_a_server_that_ends_at_once_is_explained_and_tried_again_with_other_answers(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        world.system.ends_with = 1
        assert "cannot listen on 0.0.0.0:25" in (await until_installed(world, browser)).text
        assert not world.draft.progress.is_installed
        world.system.ends_with = None
        await browser.post("/address", address="me@example.net")
        assert "The server runs" in (await until_installed(world, browser)).text

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))
    assert Domain("example.org") in Live.open(tmp_path / "config" / "mox.conf").dynamic.domains


def test_terms_of_the_authority_are_told_before_the_installation_and_it_can_be_done_without(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        await browser.post("/address", address="you@example.org")
        await browser.post("/password", password=PASSWORD, again=PASSWORD)
        await browser.post("/machine")
        assert "you accept the terms" in (await browser.post("/dns")).text
        await browser.post("/address", address="you@example.org", own_certificate="yes")
        await browser.post("/machine")
        shown = (await browser.post("/dns")).text
        assert "you accept the terms" not in shown
        assert "a certificate that this server signed itself" in shown
        assert re.search(r'name="own_certificate" value="yes"\s+checked', (await browser.get("/address")).text)

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_as_root_the_user_is_made_and_systemd_gets_the_server(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        world.system.systemd = True
        world.system.failure = "useradd: not today"
        assert "not today" in (await until_installed(world, browser)).text
        world.system.failure = ""
        await browser.post("/install")
        assert "The server runs" in (await until_installed(world, browser)).text
        assert world.system.users == {"mox"}
        assert world.system.started == ["mox.service"]
        assert world.draft.started is Started.SYSTEMD

    world = SetupWorld(tmp_path)
    world.machine.root = True
    asyncio.run(world.with_world(walk))


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("/address", {"address": "you"}, "is not a mail address"),
        ("/address", {"address": f"{HOSTILE}@example.org"}, "is not a mail address"),
        ("/address", {"address": "you@example.org", "hostname": HOSTILE}, "is not a host name"),
        ("/address", {"address": "you@example.org", "system_user": "-rf"}, "system user"),
        ("/password", {"password": "short", "again": "short"}, "too short"),
        ("/password", {"password": PASSWORD, "again": "other"}, "not the same"),
    ],
)
def test_wrong_fields_get_a_sentence_and_lose_nothing(
    tmp_path: Path, path: str, fields: dict[str, str], sentence: str
) -> None:
    kept = [value for name, value in fields.items() if name not in ("password", "again")]

    async def walk(browser: Browser) -> None:
        if path != "/address":
            await browser.post("/address", address="you@example.org")
        before = world.draft
        response = await browser.post(path, **fields)
        assert response.status_code == 422
        assert sentence in response.text
        assert "<script>alert" not in response.text
        assert world.draft == before
        assert all(html.escape(value, quote=False)[-8:] in response.text for value in kept)

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_only_what_blocks_blocks_and_web_ports_that_are_taken_bring_a_question(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        await browser.post("/address", address="you@example.org")
        await browser.post("/password", password=PASSWORD, again=PASSWORD)
        world.machine.free = 1 << 20
        response = await browser.post("/machine")
        assert response.status_code == 409
        assert "Disk" in response.text
        world.machine.free = 1 << 40
        await browser.post("/machine/again")
        world.machine.bindings = {80: Binding.TAKEN, 443: Binding.TAKEN}
        assert (await browser.post("/machine")).url.path == "/webserver"
        page = await browser.get("/webserver")
        assert "proxy_pass http://127.0.0.1:81" in page.text
        assert (await browser.post("/webserver", how="stay")).url.path == "/dns"
        assert world.draft.options is not None
        assert world.draft.options.existing_webserver

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_mail_that_arrives_is_shown_as_text_and_a_message_goes_out(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        await until_installed(world, browser)
        row = {"sender": HOSTILE, "subject": HOSTILE, "received": 1.0, "mailbox": "Inbox", "peer": "192.0.2.7"}
        world.system.answers = {
            "arrivals": {"modseq": 7, "rows": [{**row, "tls": "TLS1.3", "checks": [HOSTILE]}]},
            "messagefate": {"state": "waiting", "error": HOSTILE, "next": 2.0},
            "sendtest": "<1@host>",
        }
        page = await browser.get("/proof")
        assert "TLS1.3" in page.text
        assert (await browser.post("/proof/send", to="")).status_code == 422
        page = await browser.post("/proof/send", to="old@example.net")
        assert "<script>alert" not in page.text
        assert "The last attempt failed" in page.text
        world.system.answers["messagefate"] = {"state": "unknown", "error": "", "next": 0.0}
        assert "no record of it" in (await browser.get("/proof/state")).text
        world.system.answers["messagefate"] = {"state": "delivered", "error": "", "next": 0.0}
        assert "has taken it" in (await browser.get("/proof/state")).text
        world.system.answers["messagefate"] = {"state": "failed", "error": HOSTILE, "next": 0.0}
        assert "does not take it" in (await browser.get("/proof/state")).text
        world.system.answers["sendtest"] = Temporary("disk full")
        assert "Disk full" in (await browser.post("/proof/send", to="old@example.net")).text
        world.system.runs = False
        assert "does not answer" in (await browser.get("/proof")).text
        await browser.post("/proof/start")

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_the_last_steps_give_a_password_once_and_end_the_set_up(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        await until_installed(world, browser)
        await browser.post("/proof")
        page = await browser.post("/devices/password")
        operation, arguments = world.system.asked[-1]
        assert operation == "setaccountpassword"
        assert str(arguments["password"]) in page.text
        assert str(arguments["password"]) not in (await browser.get("/devices")).text
        assert b"com.apple.mail.managed" in (await browser.get("/devices/profile.mobileconfig")).content
        assert "All DNS records are published" in (await browser.post("/devices")).text
        await world.wizard.look_at_standing().look()
        standings = dict(
            re.findall(r'id="item-(\w+)".*?<span class="badge (\w+)"', (await browser.get("/done/state")).text)
        )
        assert (standings["starts_at_boot"], standings["certificate_trusted"]) == ("warn", "warn"), "none came yet"
        assert standings["web_reachable"] == "warn", "DNS has no such hosts"
        assert "over" in (await browser.post("/done")).text
        assert world.wizard.over.is_set()

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_behind_nat_the_public_addresses_come_from_dns_or_from_the_person(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        world.machine.addresses, world.machine.name = ips("192.168.1.2"), "nas.lan"
        del world.resolver.zone["mail.example.org"]
        await browser.post("/address", address="you@example.org")
        await browser.post("/password", password=PASSWORD, again=PASSWORD)
        page = (await browser.post("/machine")).text
        assert "Give its public addresses" in page
        world.resolver.zone["mail.example.org"] = {"A": ["45.138.52.10"]}
        await browser.post("/address", address="you@example.org")
        zone = (await browser.get("/dns/zone")).text
        assert re.search(r"^mail\.example\.org\. +A +45\.138\.52\.10$", zone, re.MULTILINE)
        assert 'placeholder="45.138.52.10"' in (await browser.get("/address")).text
        given = "2a0e:dc0:52::10 45.138.52.11"
        await browser.post("/address", address="you@example.org", nat_ips=given, **{"was.nat_ips": ""})
        await browser.post("/machine")
        zone = (await browser.get("/dns/zone")).text
        assert re.search(r"^mail\.example\.org\. +AAAA +2a0e:dc0:52::10$", zone, re.MULTILINE)
        assert "45.138.52.10" not in zone
        assert given in (await browser.get("/address")).text

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


@pytest.mark.parametrize(("binding", "is_warned"), [(Binding.FORBIDDEN, True), (Binding.FREE, False)])
def test_without_root_the_first_page_has_the_command(tmp_path: Path, binding: Binding, is_warned: bool) -> None:
    async def walk(browser: Browser) -> None:
        world.machine.root, world.machine.bindings = False, {25: binding}
        assert ("sudo " in (await browser.get("/address")).text) is is_warned

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_the_second_of_two_browsers_is_shown_what_the_first_changed(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        shown = {"was.address": "", "was.hostname": "", "was.system_user": ""}
        await browser.post("/address", address="one@example.org", **shown)
        response = await browser.post("/address", address="two@example.org", **shown)
        assert response.status_code == 409
        assert "one@example.org" in response.text
        assert 'value="two@example.org"' in response.text
        assert str(world.draft.options and world.draft.options.address) == "one@example.org"
        await browser.post("/address", **{**shown, "address": "two@example.org", "was.address": "one@example.org"})
        assert str(world.draft.options and world.draft.options.address) == "two@example.org"

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))


def test_a_draft_that_cannot_be_written_loses_no_form(tmp_path: Path) -> None:
    async def walk(browser: Browser) -> None:
        world.wizard.file.path = tmp_path / "nowhere" / "draft.json"
        response = await browser.post("/address", address="you@example.org")
        assert response.status_code == 409
        assert "cannot be written" in response.text
        assert world.wizard.draft.options is None

    world = SetupWorld(tmp_path)
    asyncio.run(world.with_world(walk))
