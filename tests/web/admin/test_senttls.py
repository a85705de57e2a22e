"""The pages about TLS reports that we send: how connections fared, what a domain asks for, and who gets none."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path

from app.store.reportsuppression import Kind
from app.store.tlsresults import TlsResult
from app.wire.domain import Domain
from tests.store.test_evaluations import MORNING
from tests.store.test_tlsresults import BAD, FAILURE, GOOD
from tests.support.clock import SetClock
from tests.support.machines import DictionaryResolver
from tests.web.world import World

PAGE = "/admin/reports/tls-sent"
SCRIPT = "<script>alert(1)</script>"


class Closing(DictionaryResolver):
    """As the server closes its own."""

    def close(self) -> None:
        """Nothing is open."""


def open_world(directory: Path, zone: dict[str, dict[str, list[str]]] | None = None) -> World:
    world = World(directory, clock=SetClock(MORNING))
    object.__setattr__(world.services, "resolver", Closing(zone or {}))
    return world


def came(world: World, *found: TlsResult) -> None:
    async def work() -> None:
        for one in found:
            world.server.tls_results.record(one)
        await world.server.tls_results.flush()

    asyncio.run(work())


def test_results_are_shown_and_can_be_removed(tmp_path: Path) -> None:
    host = dataclasses.replace(GOOD, domain=Domain("mx.other.example"), is_host=True)
    zone = {"_smtp._tls.there.example": {"TXT": ["v=TLSRPTv1; rua=mailto:tls@there.example"]}}
    with open_world(tmp_path, zone) as world:
        admin = world.admin()
        assert "Nothing is known yet." in admin.get(PAGE).text
        came(world, GOOD, BAD, BAD, host)
        text = admin.get(PAGE).text
        assert "2 failed" in text
        assert "a mail server with a policy of its own" in text
        one = admin.get(f"{PAGE}/domain/there.example").text
        assert "It asks for reports, to <code>mailto:tls@there.example</code>" in one
        assert "certificate-expired" in one
        assert "mx.there.example" in one
        assert "there is no TLSRPT record" in admin.get(f"{PAGE}/domain/mx.other.example").text
        assert admin.post(f"{PAGE}/remove", {"domain": "there.example"}).status_code == 303
        assert "there.example" not in re.sub(r"(?s)<p class=\"notice.*?</p>", "", admin.get(PAGE).text)
        assert admin.get(f"{PAGE}/domain/there.example").status_code == 404


def test_what_strangers_publish_is_text(tmp_path: Path) -> None:
    failure = dataclasses.replace(FAILURE, information=SCRIPT, receiving_host=SCRIPT)
    zone = {"_smtp._tls.there.example": {"TXT": [f"v=TLSRPTv1; rua=mailto:a@b.example,{SCRIPT}"]}}
    with open_world(tmp_path, zone) as world:
        came(world, dataclasses.replace(BAD, lines=(SCRIPT,), failure=failure))
        text = world.admin().get(f"{PAGE}/domain/there.example").text
    assert SCRIPT not in text
    assert text.count("&lt;script&gt;") >= 4


def test_suppression_is_of_tls_reports(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        fields = {"address": "a@b.example", "until": "2026-12-31", "comment": ""}
        assert world.admin().post(f"{PAGE}/suppress", fields).status_code == 303
        assert len(asyncio.run(world.server.suppressions.all(Kind.TLS))) == 1
        assert asyncio.run(world.server.suppressions.all(Kind.DMARC)) == []
        assert "a@b.example" in world.admin().get(PAGE).text
