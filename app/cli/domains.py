"""Commands for domains."""

from __future__ import annotations

import shlex

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.configuring import perform, rows


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    for row in rows(invocation, "domainlist"):
        print(f"{row['name']}\t(disabled)" if row["disabled"] else row["name"])
    return 0


def _add(invocation: Invocation) -> int:
    domain, account, *localpart = invocation.expect(2, 3)
    given = {"domain": domain, "account": account, "localpart": "".join(localpart)}
    perform(invocation, "domainadd", {**given, "disabled": invocation.given("disabled")})
    print(f"domain {domain} is there; see what to put into DNS with: mox config dnsrecords {shlex.quote(domain)}")
    return 0


def _remove(invocation: Invocation) -> int:
    [domain] = invocation.expect(1)
    perform(invocation, "domainrm", {"domain": domain})
    print(f"domain {domain} is removed; its records in DNS can go, its DKIM keys are kept")
    return 0


def _disable(invocation: Invocation) -> int:
    [domain] = invocation.expect(1)
    perform(invocation, "domaindisabled", {"domain": domain, "disabled": True})
    print(f"domain {domain} takes and sends no mail now")
    return 0


def _enable(invocation: Invocation) -> int:
    [domain] = invocation.expect(1)
    perform(invocation, "domaindisabled", {"domain": domain, "disabled": False})
    print(f"domain {domain} takes and sends mail again")
    return 0


COMMANDS = (
    Command(
        words="config domain list",
        help="""List the domains.

    mox config domain list
""",
        run=_list,
    ),
    Command(
        words="config domain add",
        arguments="domain account [localpart]",
        flags=(Flag("disabled", "take and send no mail for it yet", Value.NOTHING),),
        help="""Add a domain, with DKIM keys and addresses for reports.

Reports and mail for its postmaster go to the account. A localpart is given when the account is new, and only then: it
becomes the first address of the account. Afterwards put the records into DNS that 'config dnsrecords' prints.

    mox config domain add example.net jane
""",
        run=_add,
    ),
    Command(
        words="config domain rm",
        arguments="domain",
        help="""Remove a domain with its aliases.

Not while accounts have addresses of it, but for the postmaster that it was added with. DKIM keys stay in the config
directory.

    mox config domain rm example.net
""",
        run=_remove,
    ),
    Command(
        words="config domain disable",
        arguments="domain",
        help="""Switch a domain off, so that it takes and sends no mail.

    mox config domain disable example.net
""",
        run=_disable,
    ),
    Command(
        words="config domain enable",
        arguments="domain",
        help="""Switch a domain on again.

    mox config domain enable example.net
""",
        run=_enable,
    ),
)
