"""Who is asking: the client's address, whether its connection is safe, and whether a form came from our own page."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection

from app.limits import IpAddress

_UNKNOWN = ipaddress.IPv4Address(0)
_FROM_HERE = {"same-origin", "none"}


def client_ip(connection: HTTPConnection, *, is_forwarded: bool) -> IpAddress:
    """The client's address; behind a web server of ours (Forwarded: true) the one that it put last.

    What stands before the last entry of X-Forwarded-For came from the client and may be invented.
    """
    text = connection.client.host if connection.client else ""
    if is_forwarded and (entries := connection.headers.get("x-forwarded-for", "")):
        text = entries.rsplit(",", 1)[-1].strip()
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return _UNKNOWN


def is_secure(connection: HTTPConnection, *, is_forwarded: bool) -> bool:
    """Whether the client's connection has TLS, ours or that of the web server in front."""
    if is_forwarded and (scheme := connection.headers.get("x-forwarded-proto", "")):
        return scheme.strip().lower() == "https"
    return bool(connection.scope["scheme"] == "https")


def is_from_here(connection: HTTPConnection) -> bool:
    """Whether a form was sent by a page of the same host and port, as the browser tells (Fetch Metadata, Origin)."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in _FROM_HERE:
        return False
    origin = connection.headers.get("origin")
    if origin is None:
        return True  # no browser that matters leaves both out; the token in the form decides
    return origin.partition("://")[2].lower() == connection.headers.get("host", "").lower()
