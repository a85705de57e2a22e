"""Commands about the configuration files."""

from __future__ import annotations

import sys
from typing import Any

from app.cli import accounts, alerts, aliases, clientkeys, dns, domains, hostkeys
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


def _example(invocation: Invocation) -> int:
    names = invocation.expect(0, 1)
    from app.config.examples import NAMES, example, examples

    if not names:
        width = max(map(len, NAMES))
        for one in examples():
            print(f"{one.name:<{width}}  {one.summary}")
        return 0
    chosen = example(names[0])
    sys.stdout.write(chosen.text)
    for path in dict.fromkeys(note.path for note in chosen.without_effect()):
        print(f"note: {path} has no effect in this version yet", file=sys.stderr)
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
    Command(
        words="config example",
        arguments="[name]",
        help="""List example configurations, or print one.

Names: acme, webhandlers, reverseproxy, behind-webserver, nat, proxy-protocol, transport, rulesets, addresses.
An example shows what to write into mox.conf and domains.conf for one purpose; change the names, addresses and paths in
it. Afterwards run 'config test'.

    mox config example transport
""",
        run=_example,
    ),
    Command(
        words="example",
        arguments="[name]",
        help="""List example configurations, or print one: 'config example' under its short name.

    mox example transport
""",
        run=_example,
        is_listed=False,
    ),
    *alerts.COMMANDS,
    *hostkeys.COMMANDS,
    *dns.COMMANDS,
    *domains.COMMANDS,
    *accounts.COMMANDS,
    *aliases.COMMANDS,
    *clientkeys.COMMANDS,
)
