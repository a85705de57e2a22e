"""Who asks, over which connection, and from which page."""

from __future__ import annotations

import ipaddress

import pytest
from starlette.requests import Request

from app.web.client import client_ip, host_name, is_from_here, is_near, is_secure


def request(*, scheme: str = "http", peer: str = "192.0.2.1", **headers: str) -> Request:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "scheme": scheme, "client": (peer, 1), "headers": fields, "path": "/"})


@pytest.mark.parametrize(
    ("forwarded", "header", "ip"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (True, "2001:db8::1", "2001:db8::1"),
        (True, "203.0.113.9, nonsense", "0.0.0.0"),
        (True, "", "192.0.2.1"),
    ],
)
def test_client_is_who_our_own_proxy_names_last(forwarded: bool, header: str, ip: str):
    got = client_ip(request(x_forwarded_for=header), is_forwarded=forwarded)
    assert got == ipaddress.ip_address(ip)


def test_only_a_proxy_of_ours_may_say_that_the_connection_is_safe():
    assert is_secure(request(scheme="https"), is_forwarded=False)
    assert not is_secure(request(x_forwarded_proto="https"), is_forwarded=False)
    assert is_secure(request(x_forwarded_proto="https"), is_forwarded=True)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"host": "mail.example.org", "origin": "https://mail.example.org"}, True),
        ({"host": "mail.example.org:8443", "origin": "https://mail.example.org:8443"}, True),
        ({"host": "mail.example.org", "origin": "https://evil.example"}, False),
        ({"host": "mail.example.org", "origin": "null"}, False),
        ({"host": "mail.example.org", "sec_fetch_site": "cross-site"}, False),
        ({"host": "mail.example.org", "sec_fetch_site": "same-site"}, False),
        ({"host": "mail.example.org", "sec_fetch_site": "same-origin"}, True),
        ({"host": "mail.example.org"}, True),
    ],
)
def test_forms_of_other_sites_are_told_apart(headers: dict[str, str], is_ours: bool):
    assert is_from_here(request(**headers)) is is_ours


def test_field_that_a_proxy_adds_after_the_clients_own_counts():
    fields = [(b"x-forwarded-for", b"9.9.9.9"), (b"x-forwarded-for", b"203.0.113.9")]
    protos = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-proto", b"http")]
    proxied = Request({"type": "http", "scheme": "http", "client": ("127.0.0.1", 1), "headers": [*fields, *protos]})
    assert str(client_ip(proxied, is_forwarded=True)) == "203.0.113.9"
    assert not is_secure(proxied, is_forwarded=True)


def test_ipv4_address_in_ipv6_is_the_ipv4_address():
    assert str(client_ip(request(x_forwarded_for="::ffff:203.0.113.9"), is_forwarded=True)) == "203.0.113.9"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost.:1080", "localhost"),
        ("mx.example.com:65535", "mx.example.com"),
        ("[::1]:8000", "::1"),
        ("[::1]", "::1"),
        ("[::1]evil.example", ""),
        ("[::1]/static/?", ""),
        ("127.0.0.1:80/static/?", ""),
        ("user@127.0.0.1", ""),
        ("127.0.0.1:80:80", ""),
        ("127.0.0.1\t", ""),
        ("", ""),
        ("\xff", ""),
    ],
)
def test_host_field_is_a_name_and_a_port_and_nothing_else(field: str, name: str):
    assert host_name(field) == name


def test_near_names_are_those_that_nobody_else_can_point_at_us():
    assert all(map(is_near, ["127.0.0.1", "192.0.2.1", "::1", "localhost", "app.localhost"]))
    assert not any(map(is_near, ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1"]))
