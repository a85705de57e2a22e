"""A configuration for tests of operations: two accounts and an alias, with comments that must survive."""

from __future__ import annotations

from pathlib import Path

from app.config.live import Live
from tests.support.configuration import write_configuration

MOX_CONF = """DataDir: ../data
LogLevel: info
Hostname: mx.example.org
Listeners:
\tlocal:
\t\tIPs:
\t\t\t- 127.0.0.1
\t\tMTASTSHTTPS:
\t\t\tEnabled: true
\t\t\tNonTLS: true
Postmaster:
\tAccount: jane
\tMailbox: Postmaster
"""
DOMAINS_CONF = """# our domains
Domains:
\texample.org:
\t\tAliases:
\t\t\tteam:
\t\t\t\tAddresses:
\t\t\t\t\t- joe@example.org
\t\t\t\t\t- jane@example.org
Accounts:
\t# the first
\tjane:
\t\tDomain: example.org
\t\tDestinations:
\t\t\tjane@example.org: nil
\tjoe:
\t\tDomain: example.org
\t\tDestinations:
\t\t\tjoe@example.org: nil
"""


def open_live(directory: Path) -> Live:
    """The configuration in `directory`, which was empty."""
    path = write_configuration(directory, MOX_CONF, DOMAINS_CONF)
    return Live.open(path)


def text(live: Live) -> str:
    """domains.conf as it is."""
    return live.domains_path.read_text()
