"""SMTP addresses and paths: localpart, address, reverse-path and forward-path (RFC 5321 §4.1.2, RFC 6531 §3.3).

A value of these types has been checked. A `localpart` is kept decoded: `"a b"@example.org` has the localpart `a b`, and
is quoted again when written. Domains may be internationalised; localparts may be UTF-8 when the caller allows it.
Limits: localpart 128 bytes (the RFC's 64 is too strict for real mailing lists), path 256 bytes.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from app.errors import SmtpSyntaxError, WireError
from app.wire.domain import Domain, parse_domain

MAX_LOCALPART = 128
MAX_PATH = 256  # RFC 5321 §4.5.3.1.3

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Not the control characters above ASCII, nor what some programs take for the end of a line.
_UTF8 = r"\xa0-\u2027\u202a-\U0010ffff"
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_UTF8}-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
# RFC 5321 §4.1.2: qtextSMTP and quoted-pairSMTP; RFC 6531 adds the non-ASCII characters.
_QUOTED_STRING = re.compile(rf'"((?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Address:
    """`localpart@domain` (what RFC 5321 calls a Mailbox)."""

    localpart: str
    domain: Domain

    def __str__(self) -> str:
        return f"{write_localpart(self.localpart)}@{self.domain.unicode}"

    def log_form(self) -> str:
        """For logs: followed by a form in ASCII when there is another character, so that look-alikes are seen."""
        if self.localpart.isascii():
            return str(self) if self.domain.unicode == self.domain.ascii else f"{self}/{self.wire}"
        return f"{self}/{self.wire.encode('ascii', 'backslashreplace').decode()}"

    @property
    def wire(self) -> str:
        """The form for the SMTP wire without SMTPUTF8: the domain in ASCII."""
        return f"{write_localpart(self.localpart)}@{self.domain.ascii}"

    @property
    def is_ascii(self) -> bool:
        """Whether the address can go to a server without SMTPUTF8 (RFC 6531)."""
        return self.localpart.isascii()


@dataclass(frozen=True, slots=True)
class AddressLiteral:
    """`localpart@[192.0.2.1]`: an address at an IP number (RFC 5321 §4.1.3)."""

    localpart: str
    ip: IPAddress

    def __str__(self) -> str:
        return f"{write_localpart(self.localpart)}@{write_literal(self.ip)}"

    @property
    def wire(self) -> str:
        """The form for the SMTP wire."""
        return str(self)

    @property
    def is_ascii(self) -> bool:
        """Whether the address can go to a server without SMTPUTF8."""
        return self.localpart.isascii()


@dataclass(frozen=True, slots=True)
class NullPath:
    """The null reverse-path `<>` of notifications (RFC 5321 §4.5.5)."""

    def __str__(self) -> str:
        return ""

    @property
    def wire(self) -> str:
        """The form for the SMTP wire, without the angle brackets."""
        return ""

    @property
    def is_ascii(self) -> bool:
        """A null path needs no extension."""
        return True


@dataclass(frozen=True, slots=True)
class BarePostmaster:
    """`<Postmaster>` without a domain, which every server takes (RFC 5321 §4.5.1)."""

    def __str__(self) -> str:
        return "postmaster"

    @property
    def wire(self) -> str:
        """The form for the SMTP wire."""
        return "postmaster"

    @property
    def is_ascii(self) -> bool:
        """Always so."""
        return True


NULL_PATH = NullPath()
POSTMASTER = BarePostmaster()

ReversePath = Address | AddressLiteral | NullPath
ForwardPath = Address | AddressLiteral | BarePostmaster


def write_localpart(localpart: str) -> str:
    """The localpart as it is written in an address, quoted where it must be."""
    if _DOT_STRING.fullmatch(localpart):
        return localpart
    return '"' + localpart.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_literal(ip: IPAddress) -> str:
    """An address literal with its brackets."""
    return f"[IPv6:{ip}]" if ip.version == 6 else f"[{ip}]"


def parse_localpart(text: str, start: int = 0) -> tuple[str, int]:
    """The decoded localpart at `start` and the position after it."""
    if match := _DOT_STRING.match(text, start):
        localpart = match[0]
    elif match := _QUOTED_STRING.match(text, start):
        localpart = _QUOTED_PAIR.sub(r"\1", match[1])
    else:
        raise SmtpSyntaxError("bad localpart", start)
    try:
        size = len(localpart.encode())
    except UnicodeEncodeError:  # bytes of a header field that are no UTF-8 (RFC 6531 §3.3)
        raise SmtpSyntaxError("localpart is no UTF-8", start) from None
    if size > MAX_LOCALPART:
        raise SmtpSyntaxError(f"localpart longer than {MAX_LOCALPART} bytes", start)
    return localpart, match.end()


def parse_literal(text: str) -> IPAddress:
    """The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]`."""
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            return ipaddress.IPv6Address(inner[5:])
        return ipaddress.IPv4Address(inner)
    except ValueError:
        raise SmtpSyntaxError("bad address literal") from None


def _smtp_domain(text: str) -> Domain:
    try:
        return parse_domain(text)
    except WireError as err:
        raise SmtpSyntaxError(err.message) from None


def parse_path_address(text: str) -> Address | AddressLiteral:
    """`localpart@domain` or `localpart@[ip]`; raises SmtpSyntaxError."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_PATH:
        raise SmtpSyntaxError(f"path longer than {MAX_PATH} bytes")
    localpart, at = parse_localpart(text)
    if text[at : at + 1] != "@":
        raise SmtpSyntaxError("missing @domain", at)
    rest = text[at + 1 :]
    if rest.startswith("[") and rest.endswith("]"):
        return AddressLiteral(localpart, parse_literal(rest))
    return Address(localpart, _smtp_domain(rest))


def parse_address(text: str) -> Address:
    """`localpart@domain`; an address literal is refused. Raises SmtpSyntaxError."""
    address = parse_path_address(text)
    if isinstance(address, AddressLiteral):
        raise SmtpSyntaxError("domain name required")
    return address
