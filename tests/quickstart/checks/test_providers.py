"""Who rents out a machine, seen by its reverse names."""

from __future__ import annotations

import pytest

from quickstart.checks.domain import mail_provider
from quickstart.checks.providers import PROVIDERS, looks_like_home, recognise


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("static.9.9.9.5.clients.your-server.de", "Hetzner"),
        ("vps-1a2b3c.vps.ovh.net", "OVH"),
        ("vmi123.contaboserver.net", "Contabo"),
        ("li12-34.members.linode.com", "Linode (Akamai)"),
        ("1.2.3.4.vultrusercontent.com", "Vultr"),
        ("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", "Amazon AWS"),
        ("x.westeurope.cloudapp.azure.com", "Microsoft Azure"),
        ("4.3.2.1.bc.googleusercontent.com", "Google Cloud"),
    ],
)
def test_providers_are_recognised(name, provider):
    found = recognise(["mail.example.org", name])
    assert found is not None
    assert found.name == provider


@pytest.mark.parametrize(
    "names", [[], ["mail.example.org"], ["notyour-server.de"], ["your-server.de.example.org"], [""]]
)
def test_other_names_are_nobody_s(names):
    assert recognise(names) is None


def test_no_hint_belongs_to_two_providers():
    hints = [hint for provider in PROVIDERS for hint in provider.hints]
    assert len(hints) == len(set(hints))


@pytest.mark.parametrize(
    ("name", "is_home"),
    [
        ("p5b2.dip0.t-ipconnect.de", True),
        ("host-1-2-3-4.dynamic.example.net", True),
        ("1-2-3-4.adsl.example.net", True),
        ("mail.example.org", False),
        ("static.9.clients.your-server.de", False),
        ("pooled.example.org", False),
    ],
)
def test_home_lines_are_seen(name, is_home):
    assert looks_like_home([name]) == is_home


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "Google"),
        ("example-org.mail.protection.outlook.com", "Microsoft"),
        ("mx.example.net", "mx.example.net"),
        ("notgoogle.com", "notgoogle.com"),
    ],
)
def test_who_has_the_mail_today(host, name):
    assert mail_provider(host) == name
