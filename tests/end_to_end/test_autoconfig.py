"""Mail programs' requests at a running `localserve`, which has settings for localhost over HTTP and HTTPS."""

from __future__ import annotations

import http.client
from xml.etree import ElementTree

import pytest

from tests.end_to_end.reading import ACCOUNT, any_certificate
from tests.support.built import Instance

PATHS = {
    "autoconfig.localhost": "/mail/config-v1.1.xml",
    "localhost": "/.well-known/autoconfig/mail/config-v1.1.xml",
}


def fetch(server: Instance, scheme: str, host: str, path: str) -> bytes:
    if scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            server.ip, 1443, timeout=30, context=any_certificate()
        )
    else:
        connection = http.client.HTTPConnection(server.ip, 1080, timeout=30)
    connection.request("GET", path, headers={"Host": host})
    with connection.getresponse() as response:
        assert response.status == 200, response.read()
        return response.read()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", PATHS)
def test_localhost_has_settings(server: Instance, scheme: str, host: str) -> None:
    found = ElementTree.fromstring(fetch(server, scheme, host, f"{PATHS[host]}?emailaddress={ACCOUNT}"))
    ports = [one.findtext("port") for one in found.iterfind("emailProvider/*") if one.find("port") is not None]
    assert ports == ["1993", "1143", "1465", "1587"]
    assert {one.text for one in found.iter("hostname")} == {"localhost"}
    assert {one.text for one in found.iter("username")} == {ACCOUNT}
