"""What a person decides, however it comes: typed after `quickstart`, in an answers file, or in the browser.

`parse_options` is the one place that checks it; the answers file is JSON with the names of `ANSWER_NAMES`. What is left
open comes from `Network`, which the caller fills in: nothing is looked up here.

    {"address": "you@example.org", "hostname": "mail.example.org", "nat_ips": ["203.0.113.7"]}
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.config.schema import IPAddress
from app.errors import Refusal, WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_address
from quickstart.generate import Answers

ANSWER_NAMES = ("address", "hostname", "system_user", "existing_webserver", "own_certificate", "skip_dial", "nat_ips")
MAX_ADDRESSES = 8
_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}|[1-9][0-9]{0,8}")
_TRUTHS = {"existing_webserver", "own_certificate", "skip_dial"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the machine says about itself."""

    hostname: str  # as the system has it; may lack a domain
    ips: Sequence[IPAddress]  # of its interfaces that the world can reach; none behind NAT
    outside: Sequence[IPAddress] = ()  # behind NAT those that DNS has for the host name


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was decided."""

    address: Address
    user: str = ""
    hostname: Domain | None = None
    existing_webserver: bool = False
    own_certificate: bool = False
    skip_dial: bool = False
    nat_ips: tuple[IPAddress, ...] = ()  # by which the world reaches us, when not those of the machine


def parse_options(values: Mapping[str, object]) -> Options:
    """The options by the names of ANSWER_NAMES; raises Refusal with what would be right."""
    if unknown := sorted(set(values) - set(ANSWER_NAMES)):
        raise Refusal(f"there is no answer {', '.join(unknown)}; the names are {', '.join(ANSWER_NAMES)}")
    for name, value in values.items():
        if not isinstance(value, bool if name in _TRUTHS else str) and name != "nat_ips":
            raise Refusal(f"answer {name} must be {'true or false' if name in _TRUTHS else 'a text'}")
    hostname = str(values.get("hostname", ""))
    return Options(
        address=parse_first_address(str(values.get("address", ""))),
        user=parse_user(str(values.get("system_user", ""))),
        hostname=parse_hostname(hostname) if hostname else None,
        existing_webserver=bool(values.get("existing_webserver")),
        own_certificate=bool(values.get("own_certificate")),
        skip_dial=bool(values.get("skip_dial")),
        nat_ips=_listed(values.get("nat_ips", ())),
    )


def _listed(value: object) -> tuple[IPAddress, ...]:
    """Addresses as a list of texts, or as one text."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise Refusal("answer nat_ips must be a list of IP addresses")
    return parse_nat_ips(" ".join(texts))


def read_answers(text: str) -> Options:
    """The options of an answers file; raises Refusal."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the answers are not JSON: {error}") from None
    if not isinstance(values, dict):
        raise Refusal("the answers must be one JSON object")
    return parse_options(values)


def write_options(options: Options) -> dict[str, str | bool | list[str]]:
    """The options as an answers file has them."""
    return {
        "address": str(options.address),
        "hostname": options.hostname.ascii if options.hostname else "",
        "system_user": options.user,
        "existing_webserver": options.existing_webserver,
        "own_certificate": options.own_certificate,
        "skip_dial": options.skip_dial,
        "nat_ips": [str(ip) for ip in options.nat_ips],
    }


def answers_of(options: Options, network: Network, working_directory: str, archive: str = "") -> Answers:
    """The answers that options and machine give together."""
    return Answers(
        address=options.address,
        hostname=options.hostname or guess_hostname(options.address.domain, network.hostname),
        ips=network.ips,
        nat_ips=options.nat_ips or network.outside,
        user=options.user,
        existing_webserver=options.existing_webserver,
        own_certificate=options.own_certificate,
        working_directory=working_directory,
        archive=archive,
    )


def parse_first_address(text: str) -> Address:
    """The address of the first account, whose part before the @ also names the account."""
    try:
        address = parse_address(text)
    except WireError as err:
        raise Refusal(f"{text!r} is not a mail address, such as you@example.org: {err.message}") from None
    if not _ACCOUNT_NAME.fullmatch(address.localpart):
        raise Refusal("use letters, digits, dots and hyphens before the @, as it names the account too")
    if "." not in address.domain.ascii:
        raise Refusal(f"give the full domain after the @, such as {address.domain.ascii}.example")
    return address


def parse_hostname(text: str) -> Domain:
    """The full name of the host."""
    try:
        found = parse_domain(text.strip().removesuffix("."))
    except WireError as err:
        raise Refusal(f"{text!r} is not a host name: {err.message}") from None
    if "." not in found.ascii:
        raise Refusal(f"give the full name of the host, such as {found.ascii}.example.org")
    if "_" in found.ascii:
        raise Refusal("the name of a host has no underscore")
    if found.ascii.replace(".", "").isdigit():
        raise Refusal("give a name, not an IP address, such as mail.example.org")
    return found


def parse_nat_ips(text: str) -> tuple[IPAddress, ...]:
    """Public addresses, with spaces or commas between them."""
    found: dict[IPAddress, None] = {}
    for word in text.replace(",", " ").split():
        try:
            ip = ipaddress.ip_address(word)
        except ValueError:
            raise Refusal(f"{word!r} is not an IP address, such as 203.0.113.7") from None
        if not ip.is_global or ip.is_multicast:
            raise Refusal(f"the world cannot reach {ip}; give the public address, which the router has")
        found[ip] = None
    if len(found) > MAX_ADDRESSES:
        raise Refusal(f"give at most {MAX_ADDRESSES} addresses")
    return tuple(found)


def parse_user(text: str) -> str:
    """The name of a system user to run as; "" for the usual one. It becomes an argument of useradd."""
    if text and not _USER.fullmatch(text):
        raise Refusal(f"{text!r} cannot be the name of a system user; use small letters, digits and hyphens")
    if text == "root":
        raise Refusal("the server gives up root; name another user")
    return text


def guess_hostname(domain: Domain, system: str) -> Domain:
    """The system's own name when it is a full one, else mail.<domain>."""
    try:
        found = parse_hostname(system)
    except Refusal:
        return Domain(f"mail.{domain.ascii}")
    is_ours = not found.ascii.endswith((".localdomain", ".local", ".internal", ".lan", ".home.arpa"))
    return found if is_ours else Domain(f"mail.{domain.ascii}")
