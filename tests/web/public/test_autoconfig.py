"""Thunderbird's requests at every name of ours, and at names that are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.config.dynamic import ConfigDomain, Dynamic
from app.config.live import Live
from app.wire.domain import Domain
from tests.web.public.world import DOMAINS_CONF, MOX_CONF, client, open_live

PATH = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"


def provider(data: bytes) -> ElementTree.Element:
    found = ElementTree.fromstring(data).find("emailProvider")
    assert found is not None
    return found


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("domain", ["example.com", "xn--bcher-kva.example"])
@pytest.mark.parametrize("path", [f"autoconfig.{{}}{PATH}", f"{{}}{WELL_KNOWN}"])
def test_every_request_of_thunderbird_is_answered_for_every_domain(live: Live, scheme: str, domain: str, path: str):
    url = f"{scheme}://{path.format(domain)}"
    response = client(live).get(url, params={"emailaddress": f"you@{domain}"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert provider(response.content).findtext("domain") == domain


@pytest.mark.parametrize(
    ("asked", "username"),
    [
        ("jane@example.com", "jane@example.com"),
        ("Jane+Shop@EXAMPLE.com", "Jane+Shop@example.com"),
        ("nobody-here@example.com", "nobody-here@example.com"),
        ("é@bücher.example", "é@bücher.example"),
        ("you@XN--BCHER-KVA.example", "you@bücher.example"),
        ("", "%EMAILADDRESS%"),
        ("%EMAILADDRESS%", "%EMAILADDRESS%"),
    ],
)
def test_address_is_the_user_name_whether_it_exists_or_not(live: Live, asked: str, username: str):
    response = client(live).get(PATH, params={"emailaddress": asked} if asked else {})
    assert provider(response.content).findtext("incomingServer/username") == username


@pytest.mark.parametrize("host", ["mx.example.com", "mail.example.com", "AutoConfig.Example.COM:8443", "example.com."])
def test_all_names_of_the_server_answer(live: Live, host: str):
    response = client(live, "example.com").get(PATH, params={"emailaddress": "a@example.com"}, headers={"Host": host})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "autoconfig.evil.example", "127.0.0.1", "[::1]", "mta-sts.example.com", "", "a b", "x" * 300],
)
def test_other_names_get_404_even_for_our_domains(live: Live, host: str):
    response = client(live).get(PATH, params={"emailaddress": "jane@example.com"}, headers={"Host": host})
    assert response.status_code == 404


@pytest.mark.parametrize("domain", ["evil.example", "gone.example", "sub.example.com"])
def test_unknown_and_disabled_domains_get_404(live: Live, domain: str):
    assert client(live).get(PATH, params={"emailaddress": f"you@{domain}"}).status_code == 404


@pytest.mark.parametrize("text", ["jane", "@example.com", "a@b@example.com", "<script>", "a@" + "x" * 5000, "\x00@a"])
def test_what_is_no_address_gets_400_and_is_not_repeated(live: Live, text: str):
    response = client(live).get(PATH, params={"emailaddress": text})
    assert response.status_code == 400
    assert text not in response.text


def test_a_name_of_several_domains_needs_an_address(live: Live):
    assert client(live, "mx.example.com").get(PATH).status_code == 400
    assert client(live, "mail.example.com").get(PATH).status_code == 200


def test_disabled_domain_gets_404_at_its_own_name(live: Live):
    assert client(live, "autoconfig.gone.example").get(PATH).status_code == 404


def test_localhost_of_a_test_server_is_answered(tmp_path: Path):
    replaced = [text.replace("mx.example.com", "localhost").replace("example.com", "localhost") for text in CONF]
    live = open_live(
        tmp_path, replaced[0], replaced[1].replace("ClientSettingsDomain: mail.", "ClientSettingsDomain: ")
    )
    for host in ("localhost:1443", "autoconfig.localhost:1443"):
        response = client(live, host).get(PATH, params={"emailaddress": "mox@localhost"})
        assert provider(response.content).findtext("incomingServer/hostname") == "localhost"


CONF = (MOX_CONF, DOMAINS_CONF)


def test_a_server_without_imap_says_so_with_404(tmp_path: Path):
    live = open_live(
        tmp_path, MOX_CONF.replace("\t\tIMAP:\n\t\t\tEnabled: true\n\t\tIMAPS:\n\t\t\tEnabled: true\n", "")
    )
    response = client(live).get(PATH)
    assert response.status_code == 404
    assert "IMAP" in response.text


def test_a_new_domain_is_answered_at_once(live: Live):
    added = Domain("new.example")

    def add(dynamic: Dynamic) -> Dynamic:
        return dataclasses.replace(dynamic, domains={**dynamic.domains, added: ConfigDomain()})

    there = client(live, "autoconfig.new.example")
    assert there.get(PATH).status_code == 404
    live.change(add)
    assert there.get(PATH).status_code == 200


def test_other_methods_and_paths_are_refused(live: Live):
    there = client(live)
    assert there.post(PATH).status_code == 405
    assert there.head(PATH).status_code == 200
    for path in ("/", "/mail/", "/mail/../etc/passwd", PATH + "/", "/MAIL/config-v1.1.xml"):
        assert there.get(path).status_code == 404
