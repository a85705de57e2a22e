"""The command that asks whether there is a newer version."""

from __future__ import annotations

from app import ANNOUNCED_AT, VERSION
from app.cli.asking import ask_dns, domain_argument
from app.cli.command import Command, Invocation
from app.errors import Refusal


def _check(invocation: Invocation) -> int:
    from app.operations.newversion import NOT_KNOWN, newest
    from app.wire.announcement import parse_version

    (named, *_) = (*invocation.expect(0, 1), ANNOUNCED_AT)
    if not named:
        raise Refusal(f"{NOT_KNOWN} Or name the domain that announces them.")
    domain = domain_argument(named)
    found = ask_dns(lambda resolver: newest(resolver, domain))
    if found > parse_version(VERSION):
        print(f"mox {found} is newer than this, mox {VERSION}; nothing was changed")
    else:
        print(f"this is mox {VERSION}, and {found} is the newest that is announced")
    return 0


COMMANDS = (
    Command(
        words="checkupdate",
        arguments="[domain]",
        help="""Ask whether there is a newer version; nothing is downloaded or changed.

Looks up a TXT record, such as "v=UPDATES0; l=v1.2.3", at _updates. before the domain. With CheckUpdates in mox.conf the
server asks once a day, and 'status' and the admin pages tell.

    mox checkupdate
""",
        run=_check,
    ),
)
