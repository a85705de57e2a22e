"""Who rents out this machine, as its reverse names tell, and where in their panel things are mended.

The words are those of the provider's own pages, as known in 2025; they change, so every sentence also works without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HOME = re.compile(
    r"(?:^|[.-])(?:dyn|dynamic|dynip|dsl|[avx]dsl|dialup|dhcp|cable|pool|ppp|dip|res|residential)\d*[.-]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, and what to do there."""

    name: str
    hints: tuple[str, ...]  # ends of reverse names
    reverse: str  # how to set reverse DNS
    port_25: str  # how to get outgoing port 25 opened


PROVIDERS = (
    Provider(
        name="Hetzner",
        hints=("your-server.de", "hetzner.com", "hetzner.de", "hetzner.cloud"),
        reverse="in the Cloud Console open the server, Networking, and choose Edit Reverse DNS at each address; for a "
        "dedicated server: Robot, the server, IPs",
        port_25="Hetzner keeps ports 25 and 465 closed for new cloud customers; about a month and one paid invoice "
        "after the start, ask for them in the Cloud Console at Limits, Request change",
    ),
    Provider(
        name="OVH",
        hints=("ovh.net", "ovh.eu", "ovh.ca", "ovh.us", "kimsufi.com", "ip-addr.cloud"),
        reverse="in the control panel open Network, Public IP addresses, the menu beside the address, Modify the "
        "reverse path; the A or AAAA record must be there before",
        port_25="OVH lets port 25 out unless its spam protection has closed it: look at Network, Public IP addresses, "
        "where a blocked address can be unblocked",
    ),
    Provider(
        name="Contabo",
        hints=("contaboserver.net", "contabo.net", "contabo.host"),
        reverse="in the customer control panel open Reverse DNS Management",
        port_25="Contabo lets port 25 out, slowly; when it is closed, write to their support",
    ),
    Provider(
        name="DigitalOcean",
        hints=("digitalocean.com", "digitalocean.net"),
        reverse="rename the Droplet to the full host name: its name is its reverse name",
        port_25="DigitalOcean keeps ports 25, 465 and 587 closed on Droplets; send through a relay (smarthost), or "
        "take another provider",
    ),
    Provider(
        name="Linode (Akamai)",
        hints=("members.linode.com", "linodeusercontent.com", "linode.com"),
        reverse="in Cloud Manager open the Linode, Network, and choose Edit RDNS beside each address",
        port_25="Linode keeps ports 25, 465 and 587 closed on new accounts: open a support ticket that says what mail "
        "you will send, with host name and reverse DNS set before",
    ),
    Provider(
        name="Vultr",
        hints=("vultrusercontent.com", "vultr.com"),
        reverse="open the server, Settings, IPv4 and IPv6, and fill in the reverse DNS field",
        port_25="Vultr keeps port 25 closed at first: open a support ticket and ask for outbound SMTP, then restart "
        "the server from the panel",
    ),
    Provider(
        name="Amazon AWS",
        hints=("amazonaws.com",),
        reverse="give the instance an Elastic IP; then EC2, Elastic IPs, Actions, Update reverse DNS",
        port_25='Amazon keeps port 25 closed: fill in their form "Request to remove email sending limitations"',
    ),
    Provider(
        name="Microsoft Azure",
        hints=("cloudapp.azure.com", "cloudapp.net"),
        reverse="az network public-ip update --resource-group GROUP --name NAME --reverse-fqdn HOSTNAME.",
        port_25="Azure keeps port 25 closed but for enterprise agreements; send through a relay (smarthost), or take "
        "another provider",
    ),
    Provider(
        name="Google Cloud",
        hints=("googleusercontent.com",),
        reverse="edit the VM, its network interface, and turn on Public DNS PTR Record",
        port_25="Google keeps port 25 closed for good; send through a relay (smarthost), or take another provider",
    ),
    Provider(
        name="netcup",
        hints=("yourvserver.net",),
        reverse="in the Server Control Panel open the server, Network, and the rDNS entry of each address",
        port_25="netcup's standard firewall policy closes port 25: take it off in the Server Control Panel, Firewall",
    ),
    Provider(
        name="Scaleway",
        hints=("scw.cloud", "scaleway.com", "poneytelecom.eu"),
        reverse="in the console open the instance, its flexible IP, and edit the reverse",
        port_25="in the console open the security group of the instance and turn on Enable SMTP",
    ),
    Provider(
        name="IONOS",
        hints=("pbiaas.com", "onlinehome-server.info", "onlinehome-server.com"),
        reverse="in the Cloud Panel open Network, Public IP, and set the reverse DNS of each address",
        port_25="IONOS keeps port 25 closed at first: ask their support to open it",
    ),
)


def recognise(names: Iterable[str]) -> Provider | None:
    """The provider whose names these reverse names are."""
    for name in names:
        for provider in PROVIDERS:
            if any(name == hint or name.endswith("." + hint) for hint in provider.hints):
                return provider
    return None


def looks_like_home(names: Iterable[str]) -> bool:
    """Whether reverse names are those of dial-in lines, which others do not take mail from."""
    return any(_HOME.search(name) for name in names)


def reverse_panel(provider: Provider | None) -> str:
    """Where to set reverse DNS."""
    if provider is None:
        return (
            "with whoever rents you the address, look for Reverse DNS, rDNS or PTR beside the address in their panel; "
            "where there is none, write to their support"
        )
    return f"at {provider.name}: {provider.reverse}"


def port_25_panel(provider: Provider | None) -> str:
    """How to have outgoing port 25 opened."""
    if provider is None:
        return "ask whoever rents you the machine to open outgoing port 25 (many keep it closed until asked)"
    return provider.port_25
