"""When a domain was registered, asked from its registry by RDAP (RFC 9083).

The servers of each top-level domain stand in a file of IANA (RFC 9224). Only https is spoken, redirects are followed
three times and only to https, and an address that is not public is refused unless the caller says otherwise: what we
ask for comes from others. Sizes and times are bounded; what cannot be told is a reason and not an error.
"""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import socket
import ssl
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

BOOTSTRAP_URL = "https://data.iana.org/rdap/dns.json"
MAX_BYTES = 1 << 20
MAX_REDIRECTS = 3
_CHUNK = 16384
# Registered, registered again after it had expired, or taken back: for the reputation the last of them counts.
_BEGINNINGS = ("registration", "reregistration", "reinstantiation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """When, in seconds since 1970, or why that is not known."""

    registered: float | None = None
    reason: str = ""


class _NotTold(Exception):
    """Why there is no answer, in words."""


class _NoSuchDomain(_NotTold):
    """The registry does not have this name; it may have the one above."""


@dataclass(frozen=True, slots=True)
class RegistrationClient:
    """Asks registries; blocking, so for a thread. Tests give their own `bootstrap_url` and `context`."""

    bootstrap_url: str = BOOTSTRAP_URL
    may_ask_private: bool = False
    context: ssl.SSLContext | None = None

    def look_up(self, domain: str, timeout_s: float) -> Registration:
        """The registration of a domain, or of the domain above it that is registered."""
        until = time.monotonic() + timeout_s
        try:
            server = _server_of(domain, self._json(self.bootstrap_url, until))
            return Registration(registered=self._ask(domain, server, until))
        except _NotTold as error:
            return Registration(reason=str(error))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            return Registration(reason=f"the registry could not be asked: {error}")

    def _ask(self, domain: str, server: str, until: float) -> float:
        labels = domain.split(".")
        for start in range(max(len(labels) - 4, 0), len(labels) - 1):
            name = ".".join(labels[start:])
            try:
                return _beginning(self._json(urllib.parse.urljoin(server, f"domain/{name}"), until))
            except _NoSuchDomain:
                continue
        raise _NotTold("the registry does not have this domain")

    def _json(self, url: str, until: float) -> object:
        for _ in range(MAX_REDIRECTS + 1):
            status, place, body = self._get(url, until)
            if status == http.client.OK:
                return json.loads(body)
            if status == http.client.NOT_FOUND:
                raise _NoSuchDomain("the registry does not have this domain")
            if not 300 <= status < 400 or not place:
                raise _NotTold(f"the registry answered with status {status}")
            url = urllib.parse.urljoin(url, place)
        raise _NotTold("the registry sent us from one place to the next")

    def _get(self, url: str, until: float) -> tuple[int, str, bytes]:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise _NotTold("the registry sent us to an address that is not https")
        connection = _Connection(parts.hostname, parts.port or 443, context=self.context, timeout=_left(until))
        connection.may_ask_private = self.may_ask_private
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"Accept": "application/rdap+json, application/json"})
            response = connection.getresponse()
            return response.status, response.getheader("Location", ""), _read(connection, response, until)
        finally:
            connection.close()


class _Connection(http.client.HTTPSConnection):
    """Connects only to public addresses, unless told otherwise."""

    may_ask_private = False

    def connect(self) -> None:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        usable = [name[4] for name in found if self.may_ask_private or _is_public(str(name[4][0]))]
        if not usable:
            raise _NotTold("the registry sent us to an address that is not public")
        self.sock = socket.create_connection(usable[0][:2], self.timeout)  # type: ignore[arg-type]
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)  # type: ignore[attr-defined]


def _is_public(text: str) -> bool:
    return ipaddress.ip_address(text.partition("%")[0]).is_global


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise _NotTold("the registry did not answer in time")
    return left


def _read(connection: http.client.HTTPSConnection, response: http.client.HTTPResponse, until: float) -> bytes:
    """The body, however slowly it comes, within time and size."""
    parts: list[bytes] = []
    while part := response.read1(_CHUNK):
        parts.append(part)
        if sum(map(len, parts)) > MAX_BYTES:
            raise _NotTold("the registry answered with too much")
        if connection.sock is not None:
            connection.sock.settimeout(_left(until))
    return b"".join(parts)


def _server_of(domain: str, bootstrap: object) -> str:
    """The first server with https for the longest suffix of a domain that the file of IANA has (RFC 9224 §4)."""
    services = bootstrap.get("services") if isinstance(bootstrap, dict) else None
    found: dict[str, Sequence[str]] = {}
    for service in services if isinstance(services, list) else ():
        match service:
            case [list() as suffixes, list() as urls]:
                secure = [url for url in urls if isinstance(url, str) and url.startswith("https://")]
                found.update((str(suffix).lower(), secure) for suffix in suffixes)
    labels = domain.split(".")
    for start in range(1, len(labels)):
        if known := found.get(".".join(labels[start:])):
            return known[0].rstrip("/") + "/"
    raise _NotTold(f"the registry of .{labels[-1]} does not tell when a domain was registered")


def _beginning(answer: object) -> float:
    """The latest beginning among the events of a domain (RFC 9083 §4.5)."""
    events = answer.get("events") if isinstance(answer, dict) else None
    times: list[float] = []
    for event in events if isinstance(events, list) else ():
        match event:
            case {"eventAction": str() as action, "eventDate": str() as date} if action in _BEGINNINGS:
                times.append(parse_time(date))
    if not times:
        raise _NotTold("the registry does not tell when this domain was registered")
    return max(times)


def parse_time(text: str) -> float:
    """An RFC 3339 time; one without a zone is UTC. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
