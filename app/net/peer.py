"""The address in a socket name."""

from __future__ import annotations

import ipaddress

from app.limits import IpAddress

NOWHERE: IpAddress = ipaddress.IPv4Address(0)
_HERE = ipaddress.IPv4Address("127.0.0.1")


def address_of(name: object) -> IpAddress:
    """The address of a peer; sockets without one (unix) count as the machine itself, IPv4 stays IPv4."""
    if not isinstance(name, tuple):
        return _HERE
    address = ipaddress.ip_address(name[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
