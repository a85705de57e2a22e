"""The words typed after `quickstart` on the command line, and the answers they stand for.

What they leave open comes from `Network`, which the caller fills in: nothing is looked up here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from app.config.schema import IPAddress
from app.errors import Refusal, WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_address
from quickstart.generate import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the machine says about itself."""

    hostname: str  # as the system has it; may lack a domain
    ips: Sequence[IPAddress]  # of its interfaces that the world can reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    address: Address
    user: str = ""
    hostname: Domain | None = None
    existing_webserver: bool = False
    skip_dial: bool = False


def options_of(arguments: argparse.Namespace) -> Options:
    """The options in parsed words: address, user, hostname, existing_webserver, skip_dial. Raises Refusal."""
    try:
        address = parse_address(arguments.address)
    except WireError as err:
        raise Refusal(f"{arguments.address!r} is not an address, user@domain: {err.message}") from None
    if not address.is_ascii or not address.localpart.replace("-", "").replace(".", "").replace("_", "").isalnum():
        raise Refusal("use letters, digits, dots and hyphens before the @, as it names the account too")
    return Options(
        address=address,
        user=arguments.user,
        hostname=_hostname(arguments.hostname) if arguments.hostname else None,
        existing_webserver=arguments.existing_webserver,
        skip_dial=arguments.skip_dial,
    )


def answers_of(options: Options, network: Network, working_directory: str) -> Answers:
    """The answers that options and machine give together."""
    return Answers(
        address=options.address,
        hostname=options.hostname or _guess(options.address.domain, network.hostname),
        ips=network.ips,
        user=options.user,
        existing_webserver=options.existing_webserver,
        working_directory=working_directory,
    )


def _guess(domain: Domain, system: str) -> Domain:
    """The system's own name when it is a full one, else mail.<domain>."""
    try:
        found = parse_domain(system)
    except WireError:
        return Domain(f"mail.{domain.ascii}")
    is_full = "." in found.ascii and not found.ascii.endswith((".localdomain", ".local", ".internal"))
    return found if is_full else Domain(f"mail.{domain.ascii}")


def _hostname(text: str) -> Domain:
    try:
        found = parse_domain(text)
    except WireError as err:
        raise Refusal(f"{text!r} is not a host name: {err.message}") from None
    if "." not in found.ascii:
        raise Refusal(f"give the full name of the host, such as {text}.example.org")
    return found
