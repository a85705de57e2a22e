"""The command that looks whether a machine will do as a mail server, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value

if TYPE_CHECKING:
    from quickstart.checks.table import Result
    from quickstart.options import Options


def _preflight(invocation: Invocation) -> int:
    (address,) = invocation.expect(1)
    from quickstart.options import parse_options
    from quickstart.preflight import closing, explanations, row, verdict

    values: dict[str, object] = {"address": address, "hostname": invocation.text("hostname")}
    options = parse_options({**values, "skip_dial": invocation.given("skipdial")})
    print("Looking at this machine and its network; this takes ten seconds at most and changes nothing.\n", flush=True)
    results = examine_machine(options, lambda result: print(row(result), flush=True))
    print(*("", *explanations(results)), closing(results), sep="\n\n")
    return 0 if verdict(results).is_good else 1


def examine_machine(options: Options, show: Callable[[Result], None]) -> Sequence[Result]:
    """Run the checks on this machine for what the options say; each result is shown as it comes."""
    import asyncio

    from app.net.resolver import Resolver
    from quickstart.checks.addresses import listening_addresses
    from quickstart.checks.finding import Context, Question
    from quickstart.machine import RealMachine
    from quickstart.options import guess_hostname
    from quickstart.preflight import examine

    machine = RealMachine()
    question = Question(
        address=options.address,
        hostname=options.hostname or guess_hostname(options.address.domain, machine.hostname()),
        directory=Path.cwd(),
        ips=listening_addresses(machine),
        nat_ips=options.nat_ips,
        existing_webserver=options.existing_webserver,
        skip_dial=options.skip_dial,
    )

    async def run() -> Sequence[Result]:
        resolver = Resolver()
        try:
            return await examine(Context(question=question, machine=machine, resolver=resolver), show)
        finally:
            resolver.close()

    return asyncio.run(run())


COMMANDS = (
    Command(
        words="preflight",
        arguments="user@domain",
        help="""Look whether mail would work on this machine, and change nothing.

Needs no root and no configuration: try it on a rented machine before you pay for it. Looks at addresses, host name,
ports, outgoing port 25, reverse DNS, block lists, the domain, clock, disk and memory. Says what each fault means and
how to mend it, and at the end whether mail can be received and sent. Exit code 0 when both will work, else 1.

    mox preflight you@example.org
""",
        flags=(
            Flag("hostname", "full name of this host, such as mail.example.org", placeholder="name"),
            Flag("skipdial", "make no connections, ask DNS only", Value.NOTHING),
        ),
        run=_preflight,
    ),
)
