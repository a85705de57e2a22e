"""Questions to DNS from the command line: what an argument names, and a resolver for as long as the question takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from app.errors import Refusal, WireError

if TYPE_CHECKING:
    from app.net.resolver import Resolver
    from app.wire.domain import Domain
    from app.wire.smtp.address import IPAddress

T = TypeVar("T")


def ask_dns(question: Callable[[Resolver], Awaitable[T]]) -> T:
    """The answer to a question, which gets a resolver; raises LookupFailed as the question does."""
    import asyncio

    return asyncio.run(_ask(question))


async def _ask(question: Callable[[Resolver], Awaitable[T]]) -> T:
    from app.net.resolver import Resolver

    resolver = Resolver()
    try:
        return await question(resolver)
    finally:
        resolver.close()


def domain_argument(text: str) -> Domain:
    """The domain that was typed; a final dot does not matter."""
    from app.wire.domain import parse_domain

    try:
        return parse_domain(text.removesuffix("."))
    except WireError as err:
        raise Refusal(f"{text!r} is not a domain: {err}") from None


def ip_argument(text: str) -> IPAddress:
    """The IP address that was typed."""
    import ipaddress

    try:
        ip = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise Refusal(f"{text!r} is not an IP address") from None
    if ip.version == 6 and ip.scope_id:
        raise Refusal(f"{text!r} means something on this machine only; leave out what follows the %")
    return ip


def dnssec(is_authentic: bool) -> str:
    """Whether an answer can be trusted, for people."""
    return "with DNSSEC" if is_authentic else "without DNSSEC"
