"""The confirmed name of a client."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trust.iprev import MAX_NAMES, IprevResult, IprevStatus, check_iprev
from tests.support.machines import DictionaryResolver, reverse

IP = "192.0.2.1"


def check(zone: dict[str, Any], ip: str = IP) -> tuple[IprevResult, list[tuple[str, str]]]:
    resolver = DictionaryResolver(zone)
    return asyncio.run(check_iprev(resolver, ipaddress.ip_address(ip))), resolver.asked


@pytest.mark.parametrize(
    ("zone", "status", "words"),
    [
        ({reverse(IP): {"PTR": ["mx.example"]}, "mx.example": {"A": [IP]}}, IprevStatus.PASS, ""),
        ({reverse(IP): {"PTR": ["mx.example"]}, "mx.example": {"A": ["192.0.2.2"]}}, IprevStatus.FAIL, "mx.example"),
        ({reverse(IP): {"PTR": ["mx.example"]}}, IprevStatus.FAIL, "does not lead back"),
        ({}, IprevStatus.PERMERROR, "no name"),
        ({reverse(IP): {"PTR": ["a b.example", ""]}}, IprevStatus.PERMERROR, "no name"),
        ({reverse(IP): {"RCODE": "SERVFAIL"}}, IprevStatus.TEMPERROR, "SERVFAIL"),
        (
            {reverse(IP): {"PTR": ["a.example", "b.example"]}, "a.example": {"RCODE": "SERVFAIL"}},
            IprevStatus.TEMPERROR,
            "SERVFAIL",
        ),
    ],
)
def test_each_outcome_has_its_word(zone: dict[str, Any], status: IprevStatus, words: str) -> None:
    found, _ = check(zone)
    assert found.status is status
    assert words in found.problem


def test_one_name_that_leads_back_is_enough_even_when_another_cannot_be_looked_up() -> None:
    zone = {
        reverse(IP): {"PTR": ["a.example", "B.example"], "AD": True},
        "a.example": {"RCODE": "SERVFAIL"},
        "b.example": {"A": [IP], "AD": True},
    }
    found, _ = check(zone, "::ffff:192.0.2.1")
    assert (found.status, str(found.name), found.is_authentic) == (IprevStatus.PASS, "b.example", False)


def test_a_client_with_hundreds_of_names_costs_ten_questions() -> None:
    _, asked = check({reverse(IP): {"PTR": [f"h{n}.example" for n in range(300)]}})
    assert len(asked) == 1 + MAX_NAMES


def test_ipv6_clients_are_asked_for_by_ipv6() -> None:
    ip = "2001:db8::1"
    found, asked = check(
        {reverse(ip): {"PTR": ["mx.example"], "AD": True}, "mx.example": {"AAAA": [ip], "AD": True}}, ip
    )
    assert found.status is IprevStatus.PASS
    assert found.is_authentic
    assert asked[1] == ("mx.example", "AAAA")


@given(st.lists(st.text(max_size=70), max_size=12))
def test_any_names_in_reverse_dns_give_a_result(names: list[str]) -> None:
    found, asked = check({reverse(IP): {"PTR": names}})
    assert found.status in (IprevStatus.FAIL, IprevStatus.PERMERROR)
    assert len(asked) <= 1 + MAX_NAMES
