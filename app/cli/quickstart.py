"""The command that writes the first configuration of a real server, from an address."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value, program
from app.cli.preflight import examine_machine
from app.errors import Refusal

if TYPE_CHECKING:
    from quickstart.apply import Applied
    from quickstart.checks.table import Result
    from quickstart.generate import Generated
    from quickstart.machine import Machine
    from quickstart.options import Network, Options


_TRUTHS = (
    ("existing_webserver", "existing-webserver"),
    ("own_certificate", "owncertificate"),
    ("skip_dial", "skipdial"),
)


def _quickstart(invocation: Invocation) -> int:
    from app.operations.adminpassword import hash_password, make_password
    from quickstart.apply import apply, refuse_if_set_up
    from quickstart.generate import generate, make_material
    from quickstart.machine import RealMachine
    from quickstart.options import answers_of

    options = _options(invocation)
    directory = Path.cwd()
    refuse_if_set_up(directory)
    results = _examine(options)
    network = _network(RealMachine(), options)
    answers = answers_of(options, network, str(directory), archive())
    admin_password = make_password()
    generated = generate(answers, make_material(answers, time.time()), hash_password(admin_password).encode())
    result = apply(generated, directory)
    _report_passwords(generated, admin_password, result)
    _report(str(answers.address), generated, result)
    _report_findings(results)
    _report_next_steps(generated.static.user, result)
    return 0


def _network(machine: Machine, options: Options) -> Network:
    """Where the server will be, as machine and DNS have it."""
    import asyncio

    from app.net.resolver import Resolver
    from quickstart.network import find_network

    async def find() -> Network:
        resolver = Resolver()
        try:
            return await find_network(machine, resolver, options)
        finally:
            resolver.close()

    return asyncio.run(find())


def _options(invocation: Invocation) -> Options:
    """What was decided: in the answers file, and in words and flags, which count for more."""
    from quickstart.options import parse_options, read_answers, write_options

    path = invocation.text("answers")
    values: dict[str, object] = {}
    if path:
        values.update(write_options(read_answers(Path(path).read_text(encoding="utf-8"))))
    words = invocation.expect(0 if path else 1, 2)
    values.update(zip(("address", "system_user"), words, strict=False))
    for name, flag in (("hostname", "hostname"), ("nat_ips", "natips")):
        if invocation.given(flag):
            values[name] = invocation.text(flag)
    for name, flag in _TRUTHS:
        if flag in invocation.flags:
            values[name] = invocation.given(flag)
    return parse_options(values)


def _examine(options: Options) -> Sequence[Result]:
    """What the checks find on this machine; raises Refusal when set-up cannot go on."""
    from quickstart.preflight import explanations

    print("Looking at this machine and its network; this takes ten seconds at most.\n", flush=True)
    results = examine_machine(options, lambda result: None)
    if blocking := [one for one in results if one.finding.blocks]:
        raise Refusal("\n\n".join([*explanations(blocking), "Nothing was written."]))
    return results


def archive() -> str:
    """The full path of mox.pyz, when that is what runs."""
    return str(Path(sys.argv[0]).absolute()) if sys.argv[0].endswith(".pyz") else ""


def _report_passwords(generated: Generated, admin_password: str, result: Applied) -> None:
    print(f"Configuration is written to {result.mox_conf.parent}.\n")
    print(f"Account {generated.account}, password: {generated.account_password}")
    print(f"Admin password: {admin_password}\n")


def _report(address: str, generated: Generated, result: Applied) -> None:
    from quickstart.texts import HOST_RECORDS, NO_ADDRESSES

    print(f"In mail programs, sign in as {address}, with:")
    for one in result.clients:
        print(f"    {one.protocol:18} {one.host.ascii}, port {one.port}, {one.security.value}")
    print("\nPublish these DNS records:\n")
    print(result.zone)
    hostname = generated.static.hostname.ascii
    public = generated.static.listeners["public"]
    has_addresses = any(not ip.is_unspecified for ip in public.nat_ips or public.ips)
    host = HOST_RECORDS if has_addresses else f"{NO_ADDRESSES} {HOST_RECORDS}"
    for note in (host.format(hostname=hostname), *generated.notes):
        print(textwrap.fill(note, 100), end="\n\n")


def _report_findings(results: Sequence[Result]) -> None:
    from quickstart.preflight import explanations

    if texts := explanations(results):
        print("What is not as it should be on this machine or its network:\n")
        print(*texts, sep="\n\n", end="\n\n")


def _report_next_steps(user: str, result: Applied) -> None:
    from app.net.privileges import PrivilegeError, lookup_user

    try:
        lookup_user(user)
    except PrivilegeError as error:
        print(f"First: {error}\n")
    print("Then check the configuration, and start the server as root; it gives root up by itself:")
    print(f"    {program()} config test")
    print(f"    {program()} serve")
    print("Where there is systemd, this starts it now and at every boot:")
    print(f"    systemctl enable --now {result.service_unit}")


COMMANDS = (
    Command(
        words="quickstart",
        arguments="user@domain [systemuser]",
        help="""Write the configuration of a mail server for a domain.

Makes config/ and data/ in the working directory, with an account for the address, DKIM keys and passwords, and prints
the DNS records to publish. The machine and its network are looked at as 'preflight' does, and what is wrong there is
printed with how to mend it. Nothing that is there is changed. The answers may also come from a file, in which words and
flags change what they name: {"address": "you@example.org", "hostname": "mail.example.org", "system_user": "mox",
"existing_webserver": false, "own_certificate": false, "skip_dial": false, "nat_ips": ["203.0.113.7"]}. Behind NAT,
nat_ips are the addresses by which the world reaches this machine; left out, those that DNS has for the host name.
Certificates come from Let's Encrypt (its terms: https://letsencrypt.org/repository/), unless -owncertificate is given
or another web server has the ports.

    mox quickstart you@example.org
""",
        flags=(
            Flag("hostname", "full name of this host, such as mail.example.org", placeholder="name"),
            Flag("existing-webserver", "another program has ports 80 and 443", Value.NOTHING),
            Flag("owncertificate", "sign a certificate here instead of asking Let's Encrypt", Value.NOTHING),
            Flag(
                "answers",
                "JSON file with address, hostname, system_user and what flags say",
                placeholder="file",
            ),
            Flag("natips", "behind NAT: the public addresses, with commas between", placeholder="addresses"),
            Flag("skipdial", "make no connections to try whether mail can go out", Value.NOTHING),
        ),
        run=_quickstart,
    ),
)
