"""How an import reaches the other server: its addresses, which of them may be reached, TLS, and waiting.

Who may use the account page is not always trusted with the network that this server stands in: `is_public` keeps them
to addresses that everybody can reach, so that no page can be used to look around behind a firewall.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.net.imapclient import Endpoint, ImapClient
from app.net.imaplink import ImapFailed, ImapTlsFailed
from app.trust.lookup import LookupFailed
from app.wire.smtp.address import IPAddress

MAX_ADDRESSES: Final = 4

# NAT64, 6to4, Teredo: these stand for IPv4 addresses, which may be anywhere.
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def anywhere(ip: IPAddress) -> bool:
    """For an operator: any address."""
    return True


def is_public(ip: IPAddress) -> bool:
    """Whether everybody can reach the address."""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _TRANSLATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The world outside, as an import may use it."""

    addresses: Callable[[str], Awaitable[Sequence[IPAddress]]]
    may_reach: Callable[[IPAddress], bool] = anywhere
    trust: ssl.SSLContext | None = None  # instead of the authorities of this machine
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def connect(self, endpoint: Endpoint) -> ImapClient:
        """A connection to the first address that answers; raises ImapFailed."""
        found = await self._addresses(endpoint.host)
        ips = [ip for ip in found if self.may_reach(ip)][:MAX_ADDRESSES]
        if not ips:
            text = "it is inside this network, where only the administrator of this server may take mail from"
            raise ImapFailed(text if found else "there is no server of that name; is it written rightly?")
        failure = ImapFailed("")
        trust = self.trust if endpoint.is_verified else None
        for ip in ips:
            try:
                return await ImapClient.open(endpoint, ip, trust)
            except ImapTlsFailed:
                raise
            except ImapFailed as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> Sequence[IPAddress]:
        try:
            return (ipaddress.ip_address(host),)
        except ValueError:
            pass
        try:
            return await self.addresses(host)
        except LookupFailed as error:
            raise ImapFailed(f"its address cannot be found out: {error}", may_pass=True) from None
