"""What is bound at the start of the server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app import endpoints
from app.config.live import Live
from app.endpoints import open_endpoints
from app.net.listen import ListenError

MOX_CONF = """DataDir: data
LogLevel: info
Hostname: mx.example.org
Listeners:
\tlocal:
\t\tIPs:
\t\t\t- 127.0.0.1
\t\t\t- ::1
\t\tMetricsHTTP:
\t\t\tEnabled: true
\t\t\tPort: {port}
Postmaster:
\tAccount: jane
\tMailbox: Inbox
"""
DOMAINS_CONF = """Domains:
\texample.org: nil
Accounts:
\tjane:
\t\tDomain: example.org
\t\tDestinations:
\t\t\tjane@example.org: nil
"""


def live(directory: Path, port: int) -> Live:
    (directory / "mox.conf").write_text(MOX_CONF.format(port=port))
    (directory / "domains.conf").write_text(DOMAINS_CONF)
    return Live.open(directory / "mox.conf")


def test_machine_without_ipv6_still_serves_ipv4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Containers often have no IPv6, and the configurations that we write name ::1 too."""
    monkeypatch.setattr(endpoints, "has_ipv6", lambda: False)
    bound = open_endpoints(live(tmp_path, 28010), {})
    assert [one.endpoint.address for one in bound] == ["127.0.0.1"]
    for one in bound:
        one.socket.close()


def test_taken_port_lets_go_of_the_others(tmp_path: Path):
    config = live(tmp_path, 28011)
    (first, *rest) = open_endpoints(config, {})
    for one in rest:
        one.socket.close()
    with pytest.raises(ListenError, match="another program listens"):
        open_endpoints(config, {})
    first.socket.close()
    for one in open_endpoints(config, {}):
        one.socket.close()


def test_port_may_be_opened_for_all_addresses_and_for_one_by_different_listeners(tmp_path: Path):
    """As quickstart writes behind NAT: pages on 127.0.0.1:80, and the web port on 0.0.0.0:80."""
    config = live(tmp_path, 28012)
    text = (
        MOX_CONF.format(port=28012)
        .replace(
            "\tlocal:",
            "\tlocal:\n\t\tIPs:\n\t\t\t- 127.0.0.1\n\t\tMetricsHTTP:\n\t\t\tEnabled: true\n\t\t\tPort: 28012\n\tall:",
        )
        .replace("- 127.0.0.1\n\t\t\t- ::1", "- 0.0.0.0")
    )
    config.path.write_text(text)
    bound = open_endpoints(Live.open(config.path), {})
    try:
        assert {one.endpoint.address for one in bound} == {"127.0.0.1", "0.0.0.0"}
        for address, name in (("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "0.0.0.0")):
            with socket.create_connection((address, 28012)):
                (found,) = (one for one in bound if one.endpoint.address == name)
                found.socket.settimeout(30)
                found.socket.accept()[0].close()
    finally:
        for one in bound:
            one.socket.close()
