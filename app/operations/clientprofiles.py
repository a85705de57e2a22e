"""What mail programs and other mail servers fetch, as bytes: settings for Thunderbird, Outlook and Apple, and MTA-STS.

Each format is made from an `Offer` (`clientsettings.py`), so that they never contradict each other. None holds a
password, and none tells whether an address exists. A password shall never pass in the clear: over TLS programs are
told to send it as it is (PLAIN), without TLS only to prove it (CRAM-MD5, SCRAM); what cannot say the difference leaves
out ways without TLS. All strings are escaped by the libraries that write the formats; characters that XML cannot hold
are refused (Refusal).

Formats: clientConfig 1.1 (draft-ietf-mailmaint-autoconfig), Autodiscover "POX" (MS-OXDSCLI), Apple's payload
com.apple.mail.managed, the policy file of RFC 8461 §3.2.
"""

from __future__ import annotations

import plistlib
import re
import uuid
from collections.abc import Sequence
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from app.config.dynamic import MtaSts
from app.errors import Refusal
from app.operations.clientsettings import ClientSetting, Offer, Security
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address

PLACEHOLDER = "%EMAILADDRESS%"  # the mail program puts the address there
PROFILE_PATH = "/profile.mobileconfig"
MAX_POLICY_AGE_S = 31_557_600  # RFC 8461 §3.2: a year

_SOCKET_TYPES = {Security.TLS: "SSL", Security.STARTTLS: "STARTTLS", Security.NONE: "plain"}
# The first that a program knows counts.
_AUTHENTICATION = {
    Security.TLS: ("password-cleartext", "password-encrypted"),
    Security.STARTTLS: ("password-cleartext", "password-encrypted"),
    Security.NONE: ("password-encrypted",),
}
_POX = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
POX_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
# MS-OXDSCLI: "SSL" is TLS from the first byte, "TLS" is STARTTLS.
_POX_ENCRYPTION = {Security.TLS: "SSL", Security.STARTTLS: "TLS"}
_NOT_TEXT = re.compile("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")


def client_config(offer: Offer, username: str = PLACEHOLDER) -> bytes:
    """The XML that Thunderbird and many others read."""
    root = ElementTree.Element("clientConfig", version="1.1")
    provider = ElementTree.SubElement(root, "emailProvider", id=offer.domain.ascii)
    _add(provider, "domain", offer.domain.ascii)
    _add(provider, "displayName", offer.domain.unicode)
    _add(provider, "displayShortName", offer.domain.unicode)
    for tag, kind, ways in (("incomingServer", "imap", offer.incoming), ("outgoingServer", "smtp", offer.outgoing)):
        for way in ways:
            server = ElementTree.SubElement(provider, tag, type=kind)
            _add(server, "hostname", way.host.ascii)
            _add(server, "port", str(way.port))
            _add(server, "socketType", _SOCKET_TYPES[way.security])
            _add(server, "username", username)
            for method in _AUTHENTICATION[way.security]:
                _add(server, "authentication", method)
    return _xml(root)


def autodiscover_reply(offer: Offer, address: Address) -> bytes:
    """The XML that Outlook reads; raises Refusal when there is no way with TLS, as the format knows no CRAM-MD5."""
    root = ElementTree.Element("Autodiscover", xmlns=_POX)
    response = ElementTree.SubElement(root, "Response", xmlns=POX_OUTLOOK)
    user = ElementTree.SubElement(response, "User")
    _add(user, "DisplayName", str(address))
    account = ElementTree.SubElement(response, "Account")
    _add(account, "AccountType", "email")
    _add(account, "Action", "settings")
    for kind, ways in (("IMAP", offer.incoming), ("SMTP", offer.outgoing)):
        _add_protocol(account, kind, _safest(ways), address)
    return _xml(root)


def _add_protocol(account: ElementTree.Element, kind: str, way: ClientSetting, address: Address) -> None:
    protocol = ElementTree.SubElement(account, "Protocol")
    values = {
        "Type": kind,
        "Server": way.host.ascii,
        "Port": str(way.port),
        "LoginName": str(address),
        "DomainRequired": "off",
        "SPA": "off",
        "SSL": "on",
        "Encryption": _POX_ENCRYPTION[way.security],
        "AuthRequired": "on",
    }
    if kind == "SMTP":
        values |= {"UsePOPAuth": "off", "SMTPLast": "off"}
    for tag, text in values.items():
        _add(protocol, tag, text)


def _safest(ways: Sequence[ClientSetting]) -> ClientSetting:
    for way in ways:
        if way.security is not Security.NONE:
            return way
    raise Refusal("this server has no TLS, without which this kind of mail program would show passwords to others")


def apple_profile(offer: Offer, addresses: Sequence[Address], full_name: str) -> bytes:
    """A profile for the Mail programs of Apple's systems, which ask for the password when it is installed.

    The first of the addresses signs in; mail can be sent from all. The same account always gets the same identifiers,
    so that a newer profile takes the place of an older one.
    """
    first = addresses[0]
    _check(full_name, *map(str, addresses))
    identifier = ".".join([*reversed(first.domain.ascii.split(".")), "mail", quote(first.localpart, safe="")])
    mail = {
        **_payload("com.apple.mail.managed", f"{identifier}.account", f"Mail for {first}"),
        "EmailAccountDescription": str(first),
        "EmailAccountName": full_name or str(first),
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": ",".join(map(str, addresses)),
        **_apple_server("Incoming", offer.incoming[0], first),
        **_apple_server("Outgoing", offer.outgoing[0], first),
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    profile = {
        **_payload("Configuration", identifier, f"Mail for {first}"),
        "PayloadDescription": f"Sets up Mail for {first}. You will be asked for the password.",
        "PayloadOrganization": offer.domain.unicode,
        "PayloadContent": [mail],
    }
    return plistlib.dumps(profile)


def _payload(kind: str, identifier: str, title: str) -> dict[str, object]:
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, identifier)).upper(),
        "PayloadDisplayName": title,
    }


def _apple_server(direction: str, way: ClientSetting, address: Address) -> dict[str, object]:
    has_tls = way.security is not Security.NONE
    return {
        f"{direction}MailServerHostName": way.host.ascii,
        f"{direction}MailServerPortNumber": way.port,
        f"{direction}MailServerUseSSL": has_tls,
        f"{direction}MailServerUsername": str(address),
        f"{direction}MailServerAuthentication": "EmailAuthPassword" if has_tls else "EmailAuthCRAMMD5",
    }


def profile_path(addresses: Sequence[Address], full_name: str) -> str:
    """Path and query of the Apple profile for these addresses, below a host name that serves it."""
    query = {"addresses": ",".join(map(str, addresses))} | ({"name": full_name} if full_name else {})
    return f"{PROFILE_PATH}?{urlencode(query)}"


def mtasts_policy(policy: MtaSts, hostname: Domain) -> bytes:
    """The policy file of a domain; the host name stands for an empty list of mail servers."""
    lines = [
        "version: STSv1",
        f"mode: {policy.mode.value}",
        *(f"mx: {_mx_pattern(pattern)}" for pattern in policy.mx or (hostname.ascii,)),
        f"max_age: {min(int(policy.max_age), MAX_POLICY_AGE_S)}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _mx_pattern(pattern: str) -> str:
    """The ASCII form of a name, or of `*.` and a name."""
    wildcard, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    return wildcard + parse_domain(name).ascii


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    _check(text)
    ElementTree.SubElement(parent, tag).text = text


def _check(*texts: str) -> None:
    if any(map(_NOT_TEXT.search, texts)):
        raise Refusal("this has characters that cannot be shown")


def _xml(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    declared: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return declared + b"\n"
