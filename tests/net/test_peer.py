from __future__ import annotations

import ipaddress

import pytest

from app.net.peer import address_of


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("192.0.2.1", 25), "192.0.2.1"),
        (("2001:db8::1", 25, 0, 0), "2001:db8::1"),
        (("::ffff:192.0.2.1", 25, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 25, 0, 2), "fe80::1%eth0"),
        ("", "127.0.0.1"),
    ],
)
def test_address_of_a_socket_name(name, address):
    assert address_of(name) == ipaddress.ip_address(address)
