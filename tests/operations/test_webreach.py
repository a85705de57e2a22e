"""When the web hosts of a domain count as reachable."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.operations.certificates import Certificate, are_trusted
from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.webreach import is_web_reachable
from app.wire.domain import Domain
from app.wire.smtp.address import IPAddress
from tests.support.machines import DictionaryResolver

HERE, ELSEWHERE = "192.0.2.10", "192.0.2.99"
AUTOCONFIG, MTA_STS = "autoconfig.example.org", "mta-sts.example.org"


@dataclass
class Hosts:
    """Web hosts that answer at one address only."""

    answering: tuple[str, ...]

    async def starttls(self, host: str, ip: IPAddress) -> None:
        raise AssertionError("mail is another question")

    async def https(self, host: str, ip: IPAddress) -> None:
        if host not in self.answering or ip != ipaddress.ip_address(HERE):
            raise ProbeFailed("closed")

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        await self.https(host, ip)
        return "version: STSv1"


@pytest.mark.parametrize(
    ("autoconfig", "mta_sts", "answering", "expected"),
    [
        ([HERE], [HERE], (AUTOCONFIG, MTA_STS), True),
        ([HERE], [HERE], (AUTOCONFIG,), False),
        ([HERE], [HERE], (MTA_STS,), False),
        ([HERE, ELSEWHERE], [HERE], (AUTOCONFIG, MTA_STS), False),
        ([HERE], [], (AUTOCONFIG, MTA_STS), False),
    ],
)
def test_every_host_has_to_answer_at_every_address(
    autoconfig: list[str], mta_sts: list[str], answering: tuple[str, ...], expected: bool
) -> None:
    resolver = DictionaryResolver({AUTOCONFIG: {"A": autoconfig}, MTA_STS: {"A": mta_sts}})
    asked = is_web_reachable(Domain("example.org"), resolver, Hosts(answering), has_policy=True)
    assert asyncio.run(asked) is expected


def test_without_a_policy_its_host_is_not_asked() -> None:
    resolver = DictionaryResolver({AUTOCONFIG: {"A": [HERE]}})
    asked = is_web_reachable(Domain("example.org"), resolver, Hosts((AUTOCONFIG,)), has_policy=False)
    assert asyncio.run(asked) is True


def certificate(expires: float = 200.0, **changes: object) -> Certificate:
    return Certificate(path=Path("x"), listener="public", expires=expires, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "automatic", "expected"),
    [
        ([certificate()], None, True),
        ([certificate(), certificate(expires=99.0)], None, False),
        ([certificate(is_self_signed=True)], None, False),
        ([certificate(failure="gone")], None, None),
        ([certificate(failure="gone"), certificate(is_self_signed=True)], None, False),
        ([], None, None),
        ([], True, True),
        ([certificate()], False, False),
        ([certificate(is_self_signed=True)], True, False),
    ],
)
def test_certificates_are_trusted_when_all_are_of_others_and_not_expired(
    found: list[Certificate], automatic: bool | None, expected: bool | None
) -> None:
    assert are_trusted(found, 100.0, automatic) is expected
