"""Fetches the MTA-STS policy of a domain over HTTPS, as carefully as RFC 8461 §3.3 demands.

    text = await fetch_policy(resolver, "example.org")

One connection to an address our resolver gives, TLS with a certificate that the authorities vouch for, HTTP/1.1; no
redirect, only status 200 and text/plain, at most 64 KiB, all within a minute. Raises FetchFailed, which says whether
the certificate was the reason, and LookupFailed.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import Temporary
from app.metrics import histogram
from app.net.certificatefault import certificate_fault
from app.trust.lookup import Resolver
from app.trust.mtasts import MAX_POLICY
from app.wire.smtp.address import IPAddress

if TYPE_CHECKING:
    import h11

_durations = histogram(
    "httpclient_request_duration_seconds", "Requests to web servers of others.", ("pkg", "method", "result")
)

WHOLE_S = 60.0
HTTPS_PORT = 443
MAX_ADDRESSES = 3
PATH = "/.well-known/mta-sts.txt"


class FetchFailed(Temporary):
    """There is no policy to be had now."""

    def __init__(self, text: str, *, is_certificate: bool = False) -> None:
        super().__init__(text)
        self.is_certificate = is_certificate


@dataclass(frozen=True, slots=True)
class Web:
    """How HTTPS is spoken; tests have an authority and a port of their own."""

    context: ssl.SSLContext | None = None
    port: int = HTTPS_PORT


async def fetch_policy(resolver: Resolver, domain: str, web: Web | None = None) -> bytes:
    """The text of the policy."""
    host = f"mta-sts.{domain}"
    how = web or Web()
    started, result = time.monotonic(), "error"
    try:
        async with asyncio.timeout(WHOLE_S):
            answer = await resolver.addresses(host)
            if not answer.records:
                raise FetchFailed(f"{host} has no address")
            text = await _from_any(host, answer.records[:MAX_ADDRESSES], how)
            result = "ok"
            return text
    except TimeoutError:
        result = "timeout"
        raise FetchFailed(f"{host} did not answer within {WHOLE_S:.0f} seconds") from None
    finally:
        _durations.labels("mtasts", "GET", result).observe(time.monotonic() - started)


async def _from_any(host: str, ips: tuple[IPAddress, ...], web: Web) -> bytes:
    failure: FetchFailed | None = None
    for ip in ips:
        try:
            return await _from(host, ip, web)
        except FetchFailed as err:
            failure = failure or err
    assert failure is not None
    raise failure


async def _from(host: str, ip: IPAddress, web: Web) -> bytes:
    context = web.context or ssl.create_default_context()
    try:
        reader, writer = await asyncio.open_connection(str(ip), web.port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as err:
        raise FetchFailed(f"{host}: {certificate_fault(err).words}", is_certificate=True) from None
    except OSError as err:
        raise FetchFailed(f"no HTTPS with {host} at {ip}: {err.strerror or type(err).__name__}") from None
    try:
        return await _exchange(host, reader, writer)
    except OSError as err:
        raise FetchFailed(f"{host} broke off: {err.strerror or type(err).__name__}") from None
    finally:
        writer.transport.abort()


async def _exchange(host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    import h11  # which comes with uvicorn

    talk = h11.Connection(h11.CLIENT)
    headers = [("Host", host), ("User-Agent", "mox"), ("Accept", "text/plain"), ("Connection", "close")]
    request = talk.send(h11.Request(method="GET", target=PATH, headers=headers))
    writer.write((request or b"") + (talk.send(h11.EndOfMessage()) or b""))
    body = bytearray()
    try:
        while True:
            event = talk.next_event()
            if event is h11.NEED_DATA:
                talk.receive_data(await reader.read(16384))
            elif isinstance(event, h11.Response):
                _check(host, event)
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_POLICY:
                    raise FetchFailed(f"the policy at {host} is larger than {MAX_POLICY // 1024} KiB")
            elif not isinstance(event, h11.InformationalResponse):
                return bytes(body)
    except h11.ProtocolError:
        raise FetchFailed(f"{host} does not speak HTTP correctly") from None


def _check(host: str, response: h11.Response) -> None:
    if response.status_code != 200:
        moved = ", and a redirect does not count" if 300 <= response.status_code < 400 else ""
        raise FetchFailed(f"{host} answers with status {response.status_code}{moved}")
    kind = next((value for name, value in response.headers if name == b"content-type"), b"")
    if kind.partition(b";")[0].strip().lower() != b"text/plain":
        raise FetchFailed(f"{host} does not send the policy as text/plain")
