"""The command that says what people enter in their mail programs."""

from __future__ import annotations

from app.cli.asking import domain_argument
from app.cli.command import Command, Invocation
from app.errors import Refusal


def _client_config(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    from app.config.live import Live
    from app.operations.clientsettings import client_settings

    domain = domain_argument(name)
    live = Live.open(invocation.config_path, files=False)
    config = live.dynamic.domains.get(domain)
    if config is None:
        raise Refusal(f"{domain} is not in domains.conf")
    rows = [
        (one.protocol, one.host.ascii, str(one.port), one.security.value, one.listener, one.note)
        for one in client_settings(live.static, config)
    ]
    if not rows:
        raise Refusal("no listener in mox.conf has IMAP or submission, so nobody can use a mail program")
    table = [("protocol", "host", "port", "security", "listener", "note"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\nThe user name is the address, the password that of the account.")
    return 0


COMMANDS = (
    Command(
        words="clientconfig",
        arguments="domain",
        help="""Print what to enter in mail programs: protocol, host, port and security, one line for each way.

Programs that look for settings by themselves find them; this is for the others. The account page has QR codes.

    mox clientconfig example.org
""",
        run=_client_config,
    ),
)
