"""A server with several domains, as the public pages see it."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from app.config.live import Live
from app.web.public.app import PublicOptions, public_app
from tests.support.configuration import write_configuration

MOX_CONF = """DataDir: ../data
User: mox
LogLevel: info
Hostname: mx.example.com
Listeners:
\tpublic:
\t\tIPs:
\t\t\t- 127.0.0.1
\t\tTLS:
\t\t\tKeyCerts:
\t\t\t\t-
\t\t\t\t\tCertFile: mx.crt
\t\t\t\t\tKeyFile: mx.key
\t\tSubmission:
\t\t\tEnabled: true
\t\tSubmissions:
\t\t\tEnabled: true
\t\tIMAP:
\t\t\tEnabled: true
\t\tIMAPS:
\t\t\tEnabled: true
Postmaster:
\tAccount: jane
\tMailbox: Postmaster
"""

DOMAINS_CONF = """Domains:
\texample.com:
\t\tClientSettingsDomain: mail.example.com
\t\tLocalpartCatchallSeparator: +
\t\tMTASTS:
\t\t\tPolicyID: 20260101
\t\t\tMode: testing
\t\t\tMaxAge: 24h
\tbücher.example:
\t\tDescription: a second domain
\tgone.example:
\t\tDisabled: true
\t\tMTASTS:
\t\t\tPolicyID: 1
\t\t\tMode: enforce
\t\t\tMaxAge: 24h
Accounts:
\tjane:
\t\tDomain: example.com
\t\tDestinations:
\t\t\tjane@example.com: nil
"""


def open_live(directory: Path, mox_conf: str = MOX_CONF, domains_conf: str = DOMAINS_CONF) -> Live:
    """The configuration."""
    return Live.open(write_configuration(directory, mox_conf, domains_conf), files=False)


def client(live: Live, host: str = "autoconfig.example.com", options: PublicOptions | None = None) -> TestClient:
    """A program that asks at a host name of ours, from a network address that limits know."""
    app = public_app(live, options or PublicOptions())
    return TestClient(app, base_url=f"https://{host}", client=("192.0.2.1", 50000))
