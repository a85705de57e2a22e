"""Which transport a queued message takes: the first route that matches, of the account, then the domain, then all.

A route names domains of senders and of recipients; none given match all, and ".example.org" means the domain itself
and all below it. `minimum_attempts` keeps a route for messages that have failed before. No match means direct
delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.wire.domain import parse_domain


class Route(Protocol):
    """A route of the configuration."""

    @property
    def from_domain(self) -> Sequence[str]:
        """Domains of senders."""

    @property
    def to_domain(self) -> Sequence[str]:
        """Domains of recipients."""

    @property
    def minimum_attempts(self) -> int:
        """Attempts that must have been made."""

    @property
    def transport(self) -> str:
        """The name of the transport."""


def choose(routes: Iterable[Route], sender_domain: str, recipient_domain: str, attempts: int) -> str | None:
    """The transport of the first route that matches after `attempts` failed ones; None for direct delivery."""
    for route in routes:
        if (
            attempts >= route.minimum_attempts
            and _matches(route.from_domain, sender_domain)
            and _matches(route.to_domain, recipient_domain)
        ):
            return route.transport
    return None


def _matches(patterns: Sequence[str], domain: str) -> bool:
    """Whether a pattern means the ASCII domain; patterns may be in Unicode."""
    return not patterns or any(_means(_ascii(pattern), domain) for pattern in patterns)


def _means(pattern: str, domain: str) -> bool:
    return domain == pattern.removeprefix(".") or (pattern.startswith(".") and domain.endswith(pattern))


def _ascii(pattern: str) -> str:
    if pattern.isascii():
        return pattern.lower()
    return ("." if pattern.startswith(".") else "") + parse_domain(pattern.removeprefix(".")).ascii
