"""The published test suite of RFC 7208.

Its cases stand in rfc7208-tests.yml, from the source distribution of pyspf; its three-clause BSD licence is beside it.
"""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.trust.budget import Budget
from app.trust.spf.evaluate import check_spf
from app.trust.spf.result import SpfIdentity
from app.wire.domain import Domain
from app.wire.smtp.address import NULL_PATH, Address, ReversePath
from tests.trust.spf.zones import SuiteZone

SUITE = Path(__file__).with_name("rfc7208-tests.yml")


def cases() -> list[Any]:
    found = []
    for scenario in yaml.safe_load_all(SUITE.read_text()):
        for name, case in scenario["tests"].items():
            found.append(pytest.param(scenario["zonedata"], case, id=name))
    return found


def path(text: str | None) -> ReversePath:
    """A reverse-path as the suite has it; some are such as our parser would not take."""
    if not text:
        return NULL_PATH
    localpart, _, domain = text.rpartition("@")
    return Address(localpart, Domain(domain))


@pytest.mark.parametrize(("zone", "case"), cases())
def test_suite(zone: dict[str, Any], case: dict[str, Any]) -> None:
    resolver = SuiteZone(zone)
    identity = SpfIdentity(
        ip=ipaddress.ip_address(case["host"]),
        helo=case["helo"],
        mail_from=path(case["mailfrom"]),
        hostname=case.get("receiver", "receiver.example"),
    )

    async def check() -> Any:
        return await check_spf(Budget(resolver), identity)

    found = asyncio.run(check())
    expected = case["result"]
    assert found.status.value in (expected if isinstance(expected, list) else [expected]), found
    if (explanation := case.get("explanation")) is not None:
        assert found.explanation == ("" if explanation == "DEFAULT" else explanation)


def test_suite_is_all_there() -> None:
    assert len(cases()) > 190
