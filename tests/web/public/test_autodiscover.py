"""Outlook's requests, well-formed and hostile."""

from __future__ import annotations

import asyncio
import contextlib
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies

from app.config.live import Live
from app.errors import WireError
from app.web.public.app import public_app
from app.web.public.autodiscover import MAX_BODY, read_request
from tests.support.growth import assert_linear
from tests.web.public.world import client

PATH = "/autodiscover/autodiscover.xml"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>{address}</EMailAddress>
    <AcceptableResponseSchema>{schema}</AcceptableResponseSchema>
  </Request>
</Autodiscover>"""


def request(address: str = "jane@example.com", schema: str = OUTLOOK) -> bytes:
    return REQUEST.format(address=address, schema=schema).encode()


@pytest.mark.parametrize(
    "path", [PATH, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml", "/AUTODISCOVER/AUTODISCOVER.XML"]
)
@pytest.mark.parametrize("host", ["autodiscover.example.com", "example.com", "mx.example.com"])
def test_settings_in_any_spelling_of_the_path(live: Live, path: str, host: str):
    response = client(live, host).post(path, content=request())
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    protocols = ElementTree.fromstring(response.content).findall(f".//{{{OUTLOOK}}}Protocol")
    assert [one.findtext(f"{{{OUTLOOK}}}Type") for one in protocols] == ["IMAP", "SMTP"]
    assert [one.findtext(f"{{{OUTLOOK}}}LoginName") for one in protocols] == ["jane@example.com"] * 2


@pytest.mark.parametrize(
    "body",
    [
        b"<Autodiscover><Request><EMailAddress> jane@example.com </EMailAddress></Request></Autodiscover>",
        b"<a:A xmlns:a='urn:x'><a:Request><a:EMailAddress>jane@example.com</a:EMailAddress></a:Request></a:A>",
        request().decode().replace("utf-8", "utf-16").encode("utf-16"),
        b"<x><EMailAddress>jane&#64;example<![CDATA[.com]]></EMailAddress></x>",
    ],
)
def test_namespaces_and_encodings_may_differ(body: bytes):
    assert read_request(body).address == "jane@example.com"


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x><EMailAddress>&b;</EMailAddress></x>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"jane@example.com",
        b"<x>",
        b"\xff\xfe\x00",
        BOMB,
        BOMB.decode().encode("utf-16"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<?xml version="1.0" encoding="rot13"?><x/>',
        b"<x>&undeclared;</x>",
        request("&lt;script&gt;"),
        request(""),
        b"<x/>",
    ],
)
def test_what_is_no_request_gets_400(live: Live, body: bytes):
    response = client(live).post(PATH, content=body)
    assert response.status_code == 400
    assert "script" not in response.text


@given(strategies.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes):
    with contextlib.suppress(WireError):
        read_request(b"<x>" + body + b"</x>")


def test_reading_is_linear_in_deep_and_in_long_requests():
    for start, filling in ((b"", b"<x>"), (b"<x ", b'a="&lt;" '), (b"<EMailAddress>", b"<![CDATA[x]]>")):

        def read_long(size: int, start: bytes = start, filling: bytes = filling) -> None:
            with pytest.raises(WireError):
                read_request((start + filling * size)[:size])

        assert_linear(read_long, MAX_BODY // 8)


def test_a_large_request_is_not_read_to_its_end(live: Live):
    sent = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": b" " * 16_384, "more_body": True}

    answered: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        answered.append(message)

    headers = [(b"host", b"example.com")]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b"", "scheme": "https"}
    asyncio.run(public_app(live)(scope, receive, send))  # type: ignore[arg-type]
    assert answered[0]["status"] == 413
    assert sent <= MAX_BODY // 16_384 + 1


@pytest.mark.parametrize(
    ("body", "status"),
    [(request("a@evil.example"), 404), (request("a@gone.example"), 404), (request(schema=MOBILE), 404)],
)
def test_other_domains_and_exchange_are_not_here(live: Live, body: bytes, status: int):
    response = client(live).post(PATH, content=body)
    assert response.status_code == status


def test_get_does_not_redirect_or_answer(live: Live):
    assert client(live).get(PATH).status_code == 405


def test_json_tells_where_to_post_and_offers_no_exchange(live: Live):
    there = client(live, "autodiscover.example.com:8443")
    response = there.get("/autodiscover/autodiscover.json?Email=jane@example.com&Protocol=AutodiscoverV1")
    assert response.json() == {"Protocol": "AutodiscoverV1", "Url": f"https://autodiscover.example.com:8443{PATH}"}
    refused = there.get("/Autodiscover/autodiscover.json", params={"Protocol": "EWS"})
    assert (refused.status_code, refused.json()["ErrorCode"]) == (400, "ProtocolNotSupported")
    assert client(live, "evil.example").get("/autodiscover/autodiscover.json").status_code == 404
