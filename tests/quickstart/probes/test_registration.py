"""Registration data from a registry on loopback, which may be wrong in every way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quickstart.probes import registration
from quickstart.probes.registration import Registration, RegistrationClient, parse_time
from tests.support.registry import Registry, events


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def test_registration_is_read_from_the_registry_of_the_suffix(registry):
    registry.pages["/rdap/domain/example.org"] = events(registration="2020-01-02T00:00:00Z", expiration="2030-01-02")
    assert registry.ask() == Registration(registered=parse_time("2020-01-02T00:00:00Z"))
    assert registry.asked == ["/dns.json", "/rdap/domain/example.org"]


def test_the_last_beginning_counts(registry):
    registry.pages["/rdap/domain/example.org"] = events(registration="2020-01-02", reregistration="2025-03-04T01:00:00")
    assert registry.ask().registered == parse_time("2025-03-04T01:00:00+00:00")


def test_the_domain_above_is_asked_for_a_subdomain(registry):
    registry.pages["/rdap/domain/example.org"] = events(registration="2020-01-02")
    assert registry.ask("a.b.example.org").registered
    assert registry.asked[1:] == [
        f"/rdap/domain/{name}" for name in ("a.b.example.org", "b.example.org", "example.org")
    ]


def test_three_redirects_are_followed_and_no_more(registry):
    registry.pages |= {
        "/rdap/domain/example.org": "/1",
        "/1": "/2",
        "/2": "/3",
        "/3": events(registration="2020-01-02"),
    }
    assert registry.ask().registered
    registry.pages |= {"/3": "/4", "/4": events(registration="2020-01-02")}
    assert "from one place to the next" in registry.ask().reason


@pytest.mark.parametrize("place", ["http://localhost/", "ftp://localhost/", "file:///etc/passwd"])
def test_redirects_only_lead_to_https(registry, place):
    registry.pages["/rdap/domain/example.org"] = place
    assert "not https" in registry.ask().reason


def test_private_addresses_are_not_asked(registry):
    client = RegistrationClient(registry.client.bootstrap_url, context=registry.client.context)
    assert "not public" in client.look_up("example.org", 10).reason
    assert registry.asked == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (404, "does not have this domain"),
        (429, "status 429"),
        (b"<html>", "could not be asked"),
        (b"[" * 100_000, "could not be asked"),
        ([], "does not tell when"),
        ({"events": 5}, "does not tell when"),
        ({"events": [None, {"eventAction": "registration"}, {"eventDate": "x"}]}, "does not tell when"),
        (events(registration="yesterday"), "could not be asked"),
        (events(registration=5), "does not tell when"),
    ],
)
def test_answers_that_tell_nothing_are_a_reason(registry, page, words):
    registry.pages["/rdap/domain/example.org"] = page
    assert words in registry.ask().reason


@pytest.mark.parametrize("page", [{}, [], {"services": 3}, {"services": [[], [["org"]], [["org"], "x"], 5]}])
def test_a_suffix_without_registry_is_told(registry, page):
    registry.pages["/dns.json"] = page
    assert ".org does not tell" in registry.ask().reason


def test_answers_are_bounded_in_size(registry, monkeypatch):
    monkeypatch.setattr(registration, "MAX_BYTES", 1000)
    registry.pages["/rdap/domain/example.org"] = {"events": ["x" * 2000]}
    assert "too much" in registry.ask().reason


def test_a_closed_port_is_a_reason(registry):
    closed = RegistrationClient("https://localhost:1/dns.json", True)
    assert "could not be asked" in closed.look_up("example.org", 10).reason


def test_time_that_has_run_out_is_a_reason(registry):
    assert "in time" in registry.client.look_up("example.org", 0).reason
