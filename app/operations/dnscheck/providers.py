"""Names that people know for hosts that mail goes to."""

from __future__ import annotations

_BY_SUFFIX = {
    "google.com": "Google",
    "googlemail.com": "Google",
    "outlook.com": "Microsoft",
    "mx.microsoft": "Microsoft",
    "icloud.com": "Apple iCloud",
    "messagingengine.com": "Fastmail",
    "protonmail.ch": "Proton Mail",
    "zoho.com": "Zoho",
    "zoho.eu": "Zoho",
    "mailbox.org": "mailbox.org",
    "migadu.com": "Migadu",
    "ovh.net": "OVH",
    "gandi.net": "Gandi",
    "kundenserver.de": "IONOS",
    "ionos.com": "IONOS",
    "strato.de": "Strato",
    "one.com": "one.com",
    "secureserver.net": "GoDaddy",
    "registrar-servers.com": "Namecheap",
    "yandex.net": "Yandex",
    "infomaniak.ch": "Infomaniak",
    "hostinger.com": "Hostinger",
    "improvmx.com": "ImprovMX",
    "mx.cloudflare.net": "Cloudflare Email Routing",
}


def provider_of(host: str) -> str:
    """Who runs a mail host, by its name; empty when it is not known."""
    labels = host.split(".")
    tails = (".".join(labels[at:]) for at in range(max(len(labels) - 3, 0), len(labels)))
    return next((_BY_SUFFIX[tail] for tail in tails if tail in _BY_SUFFIX), "")
