"""What mail is taken from: a server, a way to talk to it, a user and a password; checked before anything is tried."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from app.errors import Refusal, WireError
from app.net.imapclient import Endpoint, Security
from app.wire.domain import parse_domain
from app.wire.sasl.clients import Login

MAX_TEXT: Final = 500  # characters of a user name or password
USUAL_PORTS: Final = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to take mail from. The password is in no text of it."""

    endpoint: Endpoint
    login: Login


def parse_host(text: str) -> str:
    """A host name or IP address; raises WireError for what is neither."""
    text = text.strip().removesuffix(".")
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return parse_domain(text).ascii


def make_endpoint(host: str, security: str, port: int = 0, *, is_verified: bool = True) -> Endpoint:
    """Where a server is; port 0 is the usual one. Raises Refusal."""
    try:
        chosen, name = Security(security), parse_host(host)
    except ValueError:
        raise Refusal("the security is tls, starttls or none") from None
    except WireError as error:
        raise Refusal(f"{host!r} is neither the name nor the address of a server: {error.message}") from None
    if not 0 <= port <= 65535:
        raise Refusal("a port is a number from 1 to 65535")
    return Endpoint(host=name, port=port or USUAL_PORTS[chosen], security=chosen, is_verified=is_verified)


def make_login(user: str, password: str) -> Login:
    """Who to sign in as; raises Refusal."""
    if not user or not password:
        raise Refusal("the user name and the password of the other server are needed")
    if len(user) > MAX_TEXT or len(password) > MAX_TEXT:
        raise Refusal(f"user name and password have at most {MAX_TEXT} characters")
    if not user.isprintable() or not password.isprintable():
        raise Refusal("user name and password cannot have control characters")
    return Login(user, password)
