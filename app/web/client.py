"""Who is asking, by which of our names, over which connection, and whether a form came from our own page."""

from __future__ import annotations

import ipaddress
import re

from starlette.requests import HTTPConnection

from app.limits import IpAddress

_UNKNOWN = ipaddress.IPv4Address(0)
_FROM_HERE = {"same-origin", "none"}
_HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,255}))(?::[0-9]{1,5})?", re.I)


def client_ip(connection: HTTPConnection, *, is_forwarded: bool) -> IpAddress:
    """The client's address; behind a web server of ours (Forwarded: true) the one that it put last.

    What stands before the last entry of X-Forwarded-For came from the client and may be invented; some web servers
    (HAProxy) add a field of their own after the client's instead of an entry.
    """
    text = connection.client.host if connection.client else ""
    if is_forwarded and (entries := _last(connection, "x-forwarded-for")):
        text = entries.rsplit(",", 1)[-1].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _UNKNOWN
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_secure(connection: HTTPConnection, *, is_forwarded: bool) -> bool:
    """Whether the client's connection has TLS, ours or that of the web server in front."""
    if is_forwarded and (scheme := _last(connection, "x-forwarded-proto")):
        return scheme.rpartition(",")[2].strip().lower() == "https"
    return bool(connection.scope["scheme"] == "https")


def _last(connection: HTTPConnection, name: str) -> str:
    """The last of the fields of a name."""
    values = connection.headers.getlist(name)
    return values[-1] if values else ""


def host_name(host: str) -> str:
    """The name or address in a Host field, in lower case, without port and brackets; "" when it is malformed."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower().removesuffix(".") if match else ""


def is_near(name: str) -> bool:
    """Whether this is no name that somebody else could make point at us: an IP address, or localhost."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True


def is_from_here(connection: HTTPConnection) -> bool:
    """Whether a form was sent by a page of the same host and port, as the browser tells (Fetch Metadata, Origin)."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in _FROM_HERE:
        return False
    origin = connection.headers.get("origin")
    if origin is None:
        return True  # no browser that matters leaves both out; the token in the form decides
    return origin.partition("://")[2].lower() == connection.headers.get("host", "").lower()
