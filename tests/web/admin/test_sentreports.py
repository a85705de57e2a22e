"""The pages about DMARC reports that we send: what waits, and who gets none."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path

import pytest

from app.store.evaluations import Evaluation
from app.store.reportsuppression import Kind
from app.wire.domain import Domain
from app.wire.reports.dmarc import AuthResult
from app.wire.smtp.address import parse_address
from tests.store.test_evaluations import MORNING, ONE, ROW
from tests.support.clock import SetClock
from tests.web.world import World

PAGE = "/admin/reports/dmarc-sent"
SCRIPT = "<script>alert(1)</script>"


def open_world(directory: Path) -> World:
    return World(directory, clock=SetClock(MORNING))


def came(world: World, *found: Evaluation) -> None:
    async def work() -> None:
        for one in found:
            world.server.evaluations.record(one)
        await world.server.evaluations.flush()

    asyncio.run(work())


def test_what_waits_is_shown_for_each_domain_and_can_be_removed(tmp_path: Path) -> None:
    other = dataclasses.replace(ONE.policy, domain=Domain("other.example"))
    with open_world(tmp_path) as world:
        admin = world.admin()
        assert "Nothing waits." in admin.get(PAGE).text
        came(world, ONE, ONE, dataclasses.replace(ONE, policy=other, is_optional=True))
        text = admin.get(PAGE).text
        assert "2 messages" in text
        assert "2 refused or put aside" in text
        assert "all of it was reports" in text
        assert "2026-11-24 00:00 UTC" in text
        assert "2001:db8::1" in admin.get(f"{PAGE}/domain/sender.example").text
        assert admin.post(f"{PAGE}/remove", {"domain": "sender.example"}).status_code == 303
        assert "sender.example" not in re.sub(r"(?s)<p class=\"notice.*?</p>", "", admin.get(PAGE).text)
        assert admin.get(f"{PAGE}/domain/sender.example").status_code == 404
        assert "other.example" in admin.get(PAGE).text


def test_names_of_strangers_are_text(tmp_path: Path) -> None:
    results = (AuthResult(domain=SCRIPT, result="fail", selector=SCRIPT),)
    row = dataclasses.replace(ROW, header_from=SCRIPT, dkim_results=results)
    with open_world(tmp_path) as world:
        came(world, dataclasses.replace(ONE, row=row))
        asyncio.run(world.server.suppressions.add_refused(Kind.DMARC, parse_address("a@b.example"), SCRIPT))
        admin = world.admin()
        for path in (PAGE, f"{PAGE}/domain/sender.example"):
            text = admin.get(path).text
            assert SCRIPT not in text
            assert "&lt;script&gt;" in text


def test_an_address_is_suppressed_for_longer_and_allowed_again(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        admin = world.admin()
        fields = {"address": "r@Sender.example", "until": "2026-12-31", "comment": "asked us"}
        assert admin.post(f"{PAGE}/suppress", fields).status_code == 303
        (one,) = asyncio.run(world.server.suppressions.all(Kind.DMARC))
        assert (one.address, one.comment) == ("r@sender.example", "asked us")
        assert admin.post(f"{PAGE}/suppress/extend", {"id": str(one.id)}).status_code == 303
        (longer,) = asyncio.run(world.server.suppressions.all(Kind.DMARC))
        assert longer.until - one.until == 30 * 86400
        assert asyncio.run(world.server.suppressions.holds(Kind.DMARC, parse_address("r@sender.example")))
        assert not asyncio.run(world.server.suppressions.holds(Kind.TLS, parse_address("r@sender.example")))
        assert admin.post(f"{PAGE}/suppress/remove", {"id": str(one.id)}).status_code == 303
        assert asyncio.run(world.server.suppressions.all(Kind.DMARC)) == []
        assert admin.post(f"{PAGE}/suppress/extend", {"id": str(one.id)}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "nobody", "until": "2026-12-31"},
        {"address": "a@b.example", "until": "2026-11-01"},
        {"address": "a@b.example", "until": "9999-12-31"},
        {"address": "a@b.example", "until": "soon"},
        {"address": "a@b.example"},
    ],
)
def test_what_cannot_be_suppressed_is_told_beside_the_field(tmp_path: Path, fields: dict[str, str]) -> None:
    with open_world(tmp_path) as world:
        response = world.admin().post(f"{PAGE}/suppress", fields)
        assert response.status_code == 422
        assert 'aria-invalid="true"' in response.text
        assert asyncio.run(world.server.suppressions.all(Kind.DMARC)) == []


def test_suppression_ends_by_itself(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        address = parse_address("a@b.example")
        asyncio.run(world.server.suppressions.add_refused(Kind.DMARC, address, "550"))
        world.services.clock.time += 31 * 86400  # type: ignore[attr-defined]
        assert not asyncio.run(world.server.suppressions.holds(Kind.DMARC, address))
        assert asyncio.run(world.server.suppressions.all(Kind.DMARC)) == []
