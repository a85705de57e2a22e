"""IP networks as settings: an address stands for itself, what is no network is told with what would be one."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from app.config.listener import Listener
from app.config.reading import read
from app.config.writing import write


def listener(*networks: str) -> tuple[Listener, list[str]]:
    text = "IPs:\n\t- 192.0.2.1\nProxyProtocolFrom:\n" + "".join(f"\t- {one}\n" for one in networks)
    found = read(text.encode(), "mox.conf", Listener)
    return found.value, [problem.text for problem in found.places.problems]


def test_addresses_and_networks_are_read_and_written_as_they_were() -> None:
    names = ("192.0.2.7", "198.51.100.0/24", "2001:db8::7", "fd00::/8")
    value, problems = listener(*names)
    assert not problems
    assert value.proxy_protocol_from == tuple(map(ip_network, names))
    assert [line.strip() for line in write(value).decode().splitlines() if "- " in line][1:] == [
        f"- {one}" for one in names
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.0.2.7/24", "'192.0.2.7/24' is not an IP address or network; write 192.0.2.0/24"),
        ("localhost", "'localhost' is not an IP address or network"),
        ("192.0.2.0/33", "'192.0.2.0/33' is not an IP address or network"),
    ],
)
def test_what_is_no_network_is_told(text: str, words: str) -> None:
    assert listener(text)[1] == [words]
