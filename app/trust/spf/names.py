"""The names of a client that its own DNS confirms, for `ptr` and %{p} (RFC 7208 §5.5, §4.6.4).

At most ten names are looked at; those whose addresses cannot be looked up are left out, and so are all when reverse DNS
does not answer: that is never an error here.
"""

from __future__ import annotations

from typing import Final

from app.trust.lookup import LookupFailed, Resolver
from app.wire.smtp.address import IPAddress

MAX_NAMES: Final = 10


class ConfirmedNames:
    """Asked once for a message, and only when a record needs it."""

    __slots__ = ("_found", "_ip", "_resolver", "is_authentic", "is_void")

    def __init__(self, resolver: Resolver, ip: IPAddress) -> None:
        self._resolver = resolver
        self._ip = ip
        self._found: tuple[str, ...] | None = None
        self.is_authentic = True
        self.is_void = False  # DNS says that there are none

    async def get(self) -> tuple[str, ...]:
        """The names in lower case, in the order of DNS."""
        if self._found is None:
            self._found = tuple([name for name in await self._claimed() if await self._is_confirmed(name)])
        return self._found

    async def _claimed(self) -> tuple[str, ...]:
        try:
            answer = await self._resolver.ptr(self._ip)
        except LookupFailed:
            self.is_authentic = False
            return ()
        self.is_authentic = answer.authentic
        self.is_void = not answer.records
        return tuple(name.lower().removesuffix(".") for name in answer.records[:MAX_NAMES])

    async def _is_confirmed(self, name: str) -> bool:
        ask = self._resolver.ipv4 if self._ip.version == 4 else self._resolver.ipv6
        try:
            answer = await ask(name)
        except LookupFailed:
            self.is_authentic = False
            return False
        self.is_authentic = self.is_authentic and answer.authentic
        return self._ip in answer.records


def is_below(name: str, domain: str) -> bool:
    """Whether a name is a domain or in it."""
    name, domain = name.lower(), domain.lower().removesuffix(".")
    return name == domain or name.endswith("." + domain)
