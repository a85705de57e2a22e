"""Commands about the configuration files."""

from __future__ import annotations

import sys
from typing import Any

from app.cli import accounts, aliases, clientkeys, dns, domains
from app.cli.command import Command, Invocation


def _test(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.config.loading import load
    from app.config.pending import without_effect
    from app.config.reading import Reading

    loaded = load(invocation.config_path)
    if loaded.problems:
        for problem in loaded.problems:
            print(problem, file=sys.stderr)
        return 1
    static: Reading[Any] = loaded.static
    dynamic: Reading[Any] = loaded.dynamic
    for note in without_effect(static, dynamic):
        print(note)
    print("config OK")
    return 0


def _describe_static(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.config.describe import describe_static

    sys.stdout.write(describe_static())
    return 0


def _describe_domains(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.config.describe import describe_domains

    sys.stdout.write(describe_domains())
    return 0


def _describe_sendmail(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.config.describe import describe_submit

    sys.stdout.write(describe_submit())
    return 0


COMMANDS = (
    Command(
        words="config test",
        help="""Check mox.conf and domains.conf.

Prints every problem of both files, and the settings that have no effect yet. Certificates and keys that they name are
opened too.

    mox -config config/mox.conf config test
""",
        run=_test,
    ),
    Command(
        words="config describe-static",
        help="""Print an annotated mox.conf with every setting.

    mox config describe-static | less
""",
        run=_describe_static,
    ),
    Command(
        words="config describe-domains",
        help="""Print an annotated domains.conf with every setting.

    mox config describe-domains | less
""",
        run=_describe_domains,
    ),
    Command(
        words="config describe-sendmail",
        help="""Print an annotated /etc/moxsubmit.conf, the file that 'mox sendmail' works by.

Give one of the three secrets and remove the other two lines. The file holds a password: let only those read it who may
send mail.

    mox config describe-sendmail | sudo install -m 640 -g mail /dev/stdin /etc/moxsubmit.conf
""",
        run=_describe_sendmail,
    ),
    *dns.COMMANDS,
    *domains.COMMANDS,
    *accounts.COMMANDS,
    *aliases.COMMANDS,
    *clientkeys.COMMANDS,
)
