"""What a person decides, by flags, by file and in the browser alike."""

from __future__ import annotations

import ipaddress
import json

import pytest

from app.errors import Refusal
from app.wire.domain import Domain
from quickstart.options import Network, answers_of, parse_options, read_answers, write_options


@pytest.mark.parametrize(
    ("system", "hostname"),
    [
        ("box", "mail.example.org"),
        ("box.localdomain", "mail.example.org"),
        ("nas.lan", "mail.example.org"),
        ("mx.example.net", "mx.example.net"),
        ("bad name", "mail.example.org"),
        ("192.0.2.1", "mail.example.org"),
    ],
)
def test_the_host_name_is_the_systems_when_it_is_a_full_one(system: str, hostname: str) -> None:
    network = Network(hostname=system, ips=[ipaddress.ip_address("203.0.113.7")])
    found = answers_of(parse_options({"address": "jane@example.org"}), network, "/srv/mox")
    assert found.hostname == Domain(hostname)
    assert found.ips == network.ips


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"address": "jane"},
        {"address": "jane@"},
        {"address": "jane@localhost"},
        {"address": "a/b@example.org"},
        {"address": "é@example.org"},
        {"address": "..@example.org"},
        {"address": "jane@example.org", "hostname": "mx"},
        {"address": "jane@example.org", "hostname": "192.0.2.1"},
        {"address": "jane@example.org", "hostname": "a_b.example"},
        {"address": "jane@example.org", "system_user": "-o"},
        {"address": "jane@example.org", "system_user": "root"},
        {"address": "jane@example.org", "system_user": "a b"},
        {"address": 3},
        {"address": "jane@example.org", "skip_dial": "yes"},
        {"address": "jane@example.org", "colour": "red"},
        {"address": "jane@example.org", "nat_ips": 3},
        {"address": "jane@example.org", "nat_ips": [3]},
        {"address": "jane@example.org", "nat_ips": "router"},
        {"address": "jane@example.org", "nat_ips": ["192.168.1.2"]},
        {"address": "jane@example.org", "nat_ips": "127.0.0.1"},
        {"address": "jane@example.org", "nat_ips": [f"45.138.52.{n}" for n in range(9)]},
    ],
)
def test_wrong_answers_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        parse_options(values)


def test_an_answers_file_says_the_same_as_the_options_it_was_written_from() -> None:
    values = {"address": "jane@bücher.example", "hostname": "mx.example.", "existing_webserver": True}
    options = parse_options({**values, "nat_ips": "45.138.52.10, 2a0e:dc0:52::10"})
    assert [str(ip) for ip in options.nat_ips] == ["45.138.52.10", "2a0e:dc0:52::10"]
    assert read_answers(json.dumps(write_options(options))) == options


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "[" * 100_000])
def test_a_broken_answers_file_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_answers(text)
