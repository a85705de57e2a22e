"""Apple profiles, their QR codes, and MTA-STS policies over HTTP; the limits of a port."""

from __future__ import annotations

import plistlib

import pytest

from app.config.live import Live
from app.operations.qrcodes import qr_png
from app.web.public.app import PATHS, PublicOptions
from tests.support.clock import SetClock
from tests.web.public.world import client

PROFILE = "/profile.mobileconfig"
QRCODE = "/profile.mobileconfig.qrcode.png"
POLICY = "/.well-known/mta-sts.txt"


def test_profile_is_a_file_for_the_addresses_and_name_that_were_given(live: Live):
    query = {"addresses": "jane@example.com, shop@example.com", "name": "Jane Doe"}
    response = client(live).get(PROFILE, params=query)
    assert response.headers["content-type"] == "application/x-apple-aspen-config"
    (mail,) = plistlib.loads(response.content)["PayloadContent"]
    assert mail["EmailAddress"] == "jane@example.com,shop@example.com"
    assert mail["EmailAccountName"] == "Jane Doe"
    assert mail["IncomingMailServerHostName"] == "mail.example.com"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"addresses": " , "}, 400),
        ({"addresses": "jane"}, 400),
        ({"addresses": "jane@evil.example"}, 404),
        ({"addresses": "jane@example.com,jane@evil.example"}, 404),
        ({"addresses": ",".join(["jane@example.com"] * 21)}, 400),
        ({"addresses": "jane@example.com", "name": "x" * 201}, 400),
        ({"addresses": "jane@example.com", "name": "Jane\x00\x1b"}, 400),
    ],
)
def test_wrong_queries_are_refused(live: Live, query: dict[str, str], status: int):
    assert client(live).get(PROFILE, params=query).status_code == status


def test_qr_code_is_of_the_link_at_the_name_and_port_asked(live: Live):
    response = client(live, "autoconfig.example.com:1443").get(QRCODE, params={"addresses": "jane@example.com"})
    assert response.headers["content-type"] == "image/png"
    link = "https://autoconfig.example.com:1443/profile.mobileconfig?addresses=jane%40example.com"
    assert response.content == qr_png(link)


def test_qr_code_behind_our_web_server_is_of_the_safe_link(live: Live):
    behind = client(live, options=PublicOptions(is_forwarded=True))
    url = f"http://autoconfig.example.com{QRCODE}?addresses=jane@example.com"
    expected = "https://autoconfig.example.com/profile.mobileconfig?addresses=jane%40example.com"
    assert behind.get(url, headers={"X-Forwarded-Proto": "https"}).content == qr_png(expected)
    assert client(live).get(url, headers={"X-Forwarded-Proto": "https"}).content != qr_png(expected)


def test_qr_code_of_too_long_a_link_is_refused(live: Live):
    many = ",".join(["jane-with-a-long-name@xn--bcher-kva.example"] * 20)
    assert client(live).get(QRCODE, params={"addresses": many}).status_code == 400


def test_policy_is_at_its_own_name_only(live: Live):
    response = client(live, "mta-sts.example.com").get(POLICY)
    assert response.text.splitlines() == ["version: STSv1", "mode: testing", "mx: mx.example.com", "max_age: 86400"]
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["cache-control"] == "no-cache, max-age=0"


@pytest.mark.parametrize(
    "host",
    ["example.com", "autoconfig.example.com", "mta-sts.xn--bcher-kva.example", "mta-sts.gone.example", "mta-sts."],
)
def test_no_policy_elsewhere(live: Live, host: str):
    assert client(live, host).get(POLICY).status_code == 404


def test_a_port_serves_only_what_is_configured_for_it(live: Live):
    policies = client(live, "mta-sts.example.com", PublicOptions(has_autoconfig=False))
    assert policies.get(POLICY).status_code == 200
    assert policies.get("/mail/config-v1.1.xml", headers={"Host": "example.com"}).status_code == 404
    settings = client(live, options=PublicOptions(has_mtasts=False))
    assert settings.get("/mail/config-v1.1.xml").status_code == 200
    assert settings.get(POLICY, headers={"Host": "mta-sts.example.com"}).status_code == 404


def test_paths_are_those_that_are_served(live: Live):
    hosts = {POLICY: "mta-sts.example.com"}
    for path in PATHS:
        assert client(live, hosts.get(path, "example.com")).options(path).status_code == 405


def test_a_network_that_asks_too_much_waits_and_others_do_not(live: Live):
    clock = SetClock()
    there = client(live, options=PublicOptions(clock=clock, is_forwarded=True))

    def ask(address: str) -> int:
        return there.get("/mail/config-v1.1.xml", headers={"X-Forwarded-For": f"10.0.0.1, {address}"}).status_code

    assert [ask("192.0.2.1") for _ in range(121)] == [200] * 120 + [429]
    assert ask("198.51.100.1") == 200
    clock.time += 60
    assert ask("192.0.2.1") == 200
