"""The page of MTA-STS policies that are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.trust.mtasts import parse_policy
from tests.web.world import World

PAGE = "/admin/reports/policies"
TEXT = b"version: STSv1\r\nmode: enforce\r\nmx: mx.strict.example\r\nmax_age: 86400\r\n"
SCRIPT = "<script>alert(1)</script>"


def test_policies_and_failures_are_shown_and_forgotten(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin, policies = world.admin(), world.server.policies
        assert "No policy is known yet." in admin.get(PAGE).text
        asyncio.run(policies.put("strict.example", "1", TEXT, parse_policy(TEXT)))
        asyncio.run(policies.put_failure("broken.example", f"status 500 {SCRIPT}", 2e9))
        page = admin.get(PAGE).text
        for words in ("mail goes only to its servers", "mx.strict.example", "last fetch failed", "&lt;script&gt;"):
            assert words in page
        assert SCRIPT not in page
        assert admin.post(f"{PAGE}/forget", {"domain": "strict.example"}).status_code == 303
        assert "mx.strict.example" not in admin.get(PAGE).text
        assert asyncio.run(policies.find("strict.example")) is None
        assert admin.post(f"{PAGE}/forget", {"domain": "strict.example"}).status_code == 404
