from __future__ import annotations

import ipaddress

import pytest

from app.limits import ConcurrencyLimit, RateLimit, Window, networks
from app.smtpserver.rates import Rates
from tests.support.clock import SetClock

MIDNIGHT = 1_000_000.0 - 1_000_000 % 86400


def ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("192.0.2.1", "192.0.2.2", [False, True, True]),
        ("192.0.2.1", "192.0.2.65", [False, False, True]),
        ("192.0.2.1", "192.0.8.1", [False, False, False]),
        ("2001:db8::1", "2001:db8::ffff:1", [True, True, True]),
        ("2001:db8::1", "2001:db8:0:1::1", [False, True, True]),
        ("2001:db8::1", "2001:db8:1::1", [False, False, True]),
        ("2001:db8::1", "2001:db9::1", [False, False, False]),
    ],
)
def test_networks_are_those_of_the_reference(one, other, shared):
    assert [a == b for a, b in zip(networks(ip(one)), networks(ip(other)), strict=True)] == shared


def test_address_is_refused_at_its_limit_and_neighbours_at_theirs():
    limit = RateLimit((Window(60, (2, 3, 4)),), SetClock(MIDNIGHT))
    assert [limit.add(ip("192.0.2.1")) for _ in range(3)] == [True, True, False]
    assert [limit.add(ip("192.0.2.2")) for _ in range(2)] == [True, False]
    assert [limit.add(ip("192.0.2.65")) for _ in range(2)] == [True, False]
    assert limit.add(ip("198.51.100.1"))


def test_longer_window_outlives_the_shorter_one():
    clock = SetClock(MIDNIGHT)
    limit = RateLimit((Window(60, (2, 9, 9)), Window(86400, (3, 9, 9))), clock)
    assert limit.add(ip("::1"), 2)
    assert not limit.allows(ip("::1"))
    clock.time += 60
    assert limit.add(ip("::1"))
    clock.time += 60
    assert not limit.add(ip("::1"))
    clock.time += 86400
    assert limit.add(ip("::1"))


def test_memory_is_bounded():
    limit = RateLimit((Window(60, (2, 10**6, 10**6)),), SetClock(MIDNIGHT), max_entries=300)
    for number in range(1000):
        limit.add(ipaddress.IPv4Address(number << 11))
    assert sum(len(counts.counts) for counts in limit._counts) == 300


def test_concurrent_count_goes_down_again():
    limit = ConcurrencyLimit((1, 2, 3))
    assert limit.add(ip("192.0.2.1"))
    assert not limit.add(ip("192.0.2.1"))
    assert limit.add(ip("192.0.2.2"))
    assert not limit.add(ip("192.0.2.3"))
    limit.remove(ip("192.0.2.1"))
    assert limit.add(ip("192.0.2.3"))
    limit.remove(ip("192.0.2.2"))
    limit.remove(ip("192.0.2.3"))
    assert limit._counts == {}


def test_localserve_may_be_used_as_fast_as_it_can():
    rates = Rates(is_limited=False)
    here = ipaddress.ip_address("127.0.0.1")
    assert all(rates.connections.add(here) and rates.concurrent.add(here) for _ in range(3000))
    assert all(rates.allow_message("mox", here, 1000) for _ in range(3000))
