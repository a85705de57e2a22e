"""Small configurations for tests, as files that are read like real ones."""

from __future__ import annotations

from pathlib import Path

from app.config.live import Live

MOX_CONF = """DataDir: ../data
User: mox
LogLevel: info
Hostname: mx.example.com
Listeners:
\tlocal:
\t\tIPs:
\t\t\t- 127.0.0.1
Postmaster:
\tAccount: jane
\tMailbox: Postmaster
"""

DOMAINS_CONF = """Domains:
\texample.com:
\t\tLocalpartCatchallSeparator: +
Accounts:
\tjane:
\t\tDomain: example.com
\t\tDestinations:
\t\t\tjane@example.com: nil
\t\t\té@example.com: nil
\tlocked:
\t\tLoginDisabled: account is closed
\t\tDomain: example.com
\t\tDestinations:
\t\t\tlocked@example.com: nil
"""


def write_configuration(directory: Path, mox_conf: str = MOX_CONF, domains_conf: str = DOMAINS_CONF) -> Path:
    """Both files in `directory`/config; the path of mox.conf."""
    config = directory / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "domains.conf").write_text(domains_conf)
    path = config / "mox.conf"
    path.write_text(mox_conf)
    return path


def small_live(directory: Path) -> Live:
    """A configuration with the accounts jane, who has two addresses, and locked, who cannot sign in."""
    return Live.open(write_configuration(directory), files=False)
