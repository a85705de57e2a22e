"""What the answers of well-known block lists mean, in words.

A list answers with addresses in 127.0.0.0/8 (RFC 5782 §2.1), and each list gives them meanings of its own. Answers in
127.255.255.0/24 began with Spamhaus and are used by others too: the list does not answer us, and nothing is listed.
A code that is not here is shown as it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

REFUSALS: Final = ipaddress.IPv4Network("127.255.255.0/24")
POLICY: Final = "a network that should not send mail to servers directly"

_SPAMHAUS: Final[Mapping[int, str]] = {
    2: "known source of junk (SBL)",
    3: "source of junk, found automatically (CSS)",
    4: "infected or misused machine (XBL)",
    5: "infected or misused machine (XBL)",
    6: "infected or misused machine (XBL)",
    7: "infected or misused machine (XBL)",
    9: "network in the hands of criminals (DROP)",
    10: f"{POLICY} (PBL, by its provider)",
    11: f"{POLICY} (PBL, by Spamhaus)",
    20: "tries passwords (AuthBL)",
    30: "steers infected machines (BCL)",
}
_DRONEBL: Final[Mapping[int, str]] = {
    3: "infected machine that sends to chats",
    5: "infected machine (Bottler)",
    6: "infected machine that sends junk",
    7: "infected machine that takes part in attacks",
    8: "open SOCKS proxy",
    9: "open HTTP proxy",
    10: "chain of open proxies",
    11: "proxy on a web page",
    13: "tries passwords",
    14: "open Wingate proxy",
    15: "taken-over router",
    16: "infected by a worm",
    17: "part of a network of infected machines",
}
_SPAMRATS: Final[Mapping[int, str]] = {
    36: "dynamic address",
    37: "address without a proper name",
    38: "source of junk",
    43: "tries passwords",
}
_MAILSPIKE: Final[Mapping[int, str]] = {
    2: "part of a wave of junk",
    10: "worst reputation",
    11: "very bad reputation",
    12: "bad reputation",
}
_BY_ZONE: Final[Mapping[str, Mapping[int, str]]] = {
    "spamhaus.org": _SPAMHAUS,
    "spamhaus.net": _SPAMHAUS,  # with a key of one's own
    "bl.spamcop.net": {2: "people reported junk from it"},
    "b.barracudacentral.org": {2: "source of junk"},
    "psbl.surriel.com": {2: "sent to addresses that nobody uses"},
    "dnsbl-1.uceprotect.net": {2: "sent junk"},
    "dnsbl-2.uceprotect.net": {2: "its network sends junk"},
    "dnsbl-3.uceprotect.net": {2: "its provider's networks send junk"},
    "dnsbl.dronebl.org": _DRONEBL,
    "spamrats.com": _SPAMRATS,
    "bl.mailspike.net": _MAILSPIKE,
}
_REFUSAL_WORDS: Final[Mapping[int, str]] = {
    252: "the name of the list is misspelt",
    254: "the list does not answer public resolvers; ask through a resolver of your own, such as unbound",
    255: "too many questions were asked; the list wants a key or a contract from so large a user",
}


def meaning(zone: str, code: ipaddress.IPv4Address) -> str:
    """What a code means in a list; "" when it is not known."""
    if code in REFUSALS:
        return _REFUSAL_WORDS.get(int(code) & 255, "the list does not answer this resolver")
    known = next((codes for end, codes in _BY_ZONE.items() if zone == end or zone.endswith("." + end)), {})
    return known.get(int(code) & 255, "") if int(code) >> 8 == 0x7F0000 else ""
