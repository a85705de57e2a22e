"""The command that writes the first configuration of a real server, from an address."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value

if TYPE_CHECKING:
    from quickstart.apply import Applied
    from quickstart.generate import Generated


def _quickstart(invocation: Invocation) -> int:
    words = invocation.expect(1, 2)
    from quickstart.apply import apply
    from quickstart.generate import generate
    from quickstart.options import Network, answers_of, options_of

    options = options_of(
        argparse.Namespace(
            address=words[0],
            user=words[1] if len(words) > 1 else "",
            hostname=invocation.text("hostname"),
            existing_webserver=invocation.given("existing-webserver"),
            skip_dial=invocation.given("skipdial"),
        )
    )
    directory = Path.cwd()
    network = Network(hostname=socket.gethostname(), ips=_public_addresses())
    generated = generate(answers_of(options, network, str(directory)), time.time())
    _report(generated, apply(generated, directory))
    return 0


def _report(generated: Generated, result: Applied) -> None:
    from quickstart.texts import CHECKS_LATER

    print(f"Configuration is written to {result.mox_conf.parent}.\n")
    print(f"Account {generated.account}, password: {generated.account_password}")
    print(f"Admin password: {generated.admin_password}\n")
    print("Publish these DNS records:\n")
    print(result.zone)
    for note in (*generated.notes, CHECKS_LATER):
        print(textwrap.fill(note, 100), end="\n\n")
    print("Check it with 'mox config test', then start the server, as root: mox serve")


def _public_addresses() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses that this machine uses towards the world; none when one is private, as then it is behind NAT.

    Connecting a UDP socket looks at the routes and sends nothing.
    """
    found = []
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((target, 9))
                found.append(ipaddress.ip_address(sock.getsockname()[0]))
        except OSError:
            continue
    return found if all(address.is_global for address in found) else []


COMMANDS = (
    Command(
        words="quickstart",
        arguments="user@domain [systemuser]",
        help="""Write the configuration of a mail server for a domain.

Makes config/ and data/ in the working directory, with an account for the address, DKIM keys and passwords, and prints
the DNS records to publish. Nothing that is there is changed.

    mox quickstart you@example.org
""",
        flags=(
            Flag("hostname", "full name of this host, such as mail.example.org", placeholder="name"),
            Flag("existing-webserver", "another program has ports 80 and 443", Value.NOTHING),
            Flag("skipdial", "do not try whether mail can go out", Value.NOTHING),
        ),
        run=_quickstart,
    ),
)
