"""What block lists say, and when they must not be believed."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from app.trust.dnsbl import DnsblResult, DnsblStatus, check_dnsbl, check_dnsbl_health, question
from app.wire.domain import Domain
from tests.support.machines import DictionaryResolver

ZEN = Domain("zen.spamhaus.org")
NAME = "1.2.0.192.zen.spamhaus.org"


def check(zone: dict[str, Any], ip: str = "192.0.2.1") -> DnsblResult:
    return asyncio.run(check_dnsbl(DictionaryResolver(zone), ZEN, ipaddress.ip_address(ip)))


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        (None, DnsblStatus.NOT_LISTED, ""),
        ({}, DnsblStatus.NOT_LISTED, ""),
        ({"A": ["127.0.0.4"]}, DnsblStatus.LISTED, "infected or misused machine (XBL)"),
        ({"A": ["127.0.0.77"]}, DnsblStatus.LISTED, "127.0.0.77"),
        ({"A": ["127.255.255.254"]}, DnsblStatus.CANNOT_TELL, "does not answer public resolvers"),
        ({"A": ["127.255.255.9"]}, DnsblStatus.CANNOT_TELL, "does not answer this resolver"),
        ({"A": ["127.0.0.2", "127.255.255.255"]}, DnsblStatus.CANNOT_TELL, "too many questions"),
        ({"A": ["203.0.113.9"]}, DnsblStatus.CANNOT_TELL, "the list is gone"),
        ({"A": ["127.0.0.1"]}, DnsblStatus.CANNOT_TELL, "do not answer you"),
        ({"RCODE": "SERVFAIL"}, DnsblStatus.CANNOT_TELL, "SERVFAIL"),
    ],
)
def test_each_answer_means_one_thing(facts: dict[str, Any] | None, status: DnsblStatus, words: str) -> None:
    found = check({} if facts is None else {NAME: facts})
    assert found.status is status
    assert words in " ".join(map(str, found.codes)) + found.problem


def test_a_home_line_is_told_from_a_sender_of_junk() -> None:
    assert check({NAME: {"A": ["127.0.0.10", "127.0.0.11"]}}).is_policy
    assert not check({NAME: {"A": ["127.0.0.10", "127.0.0.4"]}}).is_policy
    assert not check({}).is_policy


def test_the_words_of_the_list_are_clean_and_short() -> None:
    found = check({NAME: {"A": ["127.0.0.2"], "TXT": ["see\r\n250 \xe4" + "x" * 900]}})
    assert found.explanation.startswith("see??250 ??xxx")
    assert len(found.explanation) == 500


def test_ipv6_addresses_are_asked_for_by_nibbles_and_mapped_ones_as_ipv4() -> None:
    assert question(ipaddress.ip_address("2001:db8::1"), ZEN) == ".".join("1" + "0" * 23 + "8bd01002") + "." + ZEN.ascii
    assert check({NAME: {"A": ["127.0.0.2"]}}, "::ffff:192.0.2.1").status is DnsblStatus.LISTED


SIX = {n: question(ipaddress.IPv6Address(f"::ffff:127.0.0.{n}"), ZEN) for n in (1, 2)}


@pytest.mark.parametrize(
    ("zone", "is_healthy", "words"),
    [
        ({"2.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2"]}}, True, ""),
        ({SIX[2]: {"A": ["127.0.0.2"]}}, True, ""),
        ({}, False, "127.0.0.2 is not listed"),
        ({SIX[2]: {"A": ["127.0.0.2"]}, SIX[1]: {"A": ["127.0.0.2"]}}, False, "127.0.0.2 is not listed"),
        (
            {f"{n}.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2"]} for n in (1, 2)},
            False,
            "127.0.0.1 is listed, and so would be every address",
        ),
        ({"2.0.0.127.zen.spamhaus.org": {"A": ["127.255.255.254"]}}, False, "public resolvers"),
        ({"2.0.0.127.zen.spamhaus.org": {"RCODE": "SERVFAIL"}}, False, "SERVFAIL"),
    ],
)
def test_a_list_is_believed_only_with_its_test_entries(zone: dict[str, Any], is_healthy: bool, words: str) -> None:
    found = asyncio.run(check_dnsbl_health(DictionaryResolver(zone), ZEN))
    assert found.is_healthy is is_healthy
    assert words in found.problem
    assert found.has_ipv6_only == (is_healthy and "2.0.0.127.zen.spamhaus.org" not in zone)
