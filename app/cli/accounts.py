"""Commands for accounts and their addresses."""

from __future__ import annotations

import time
from shlex import quote

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.configuring import perform, rows, texts
from app.cli.listing import one_line
from app.cli.prompt import confirmed

HOW = "The running server does it, so that it holds at once; without one, the file is changed here."


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    for row in rows(invocation, "accountlist"):
        print(f"{row['name']}\t(disabled)" if row["disabled"] else row["name"])
    return 0


def _add(invocation: Invocation) -> int:
    name, address = invocation.expect(2)
    perform(invocation, "accountadd", {"account": name, "address": address})
    print(f"account {name} is there; give it a password with: mox setaccountpassword {quote(name)}")
    return 0


def _remove(invocation: Invocation) -> int:
    [name] = invocation.expect(1)
    number = perform(invocation, "accountrm", {"account": name})
    back = f"mox config account restore {quote(str(number))}"
    print(f"account {name} is removed, its mail is kept; bring it back with: {back}")
    return 0


def _removed(invocation: Invocation) -> int:
    invocation.expect(0)
    for row in rows(invocation, "accountremoved"):
        when = row["removed"]
        day = time.strftime("%Y-%m-%d", time.gmtime(when if isinstance(when, int | float) else 0))
        addresses = row["addresses"]
        print(row["id"], day, *(addresses if isinstance(addresses, list) else ()), sep="\t")
    return 0


def _restore(invocation: Invocation) -> int:
    [number] = invocation.expect(1)
    print(f"account {perform(invocation, 'accountrestore', {'id': number})} is back, with its mail and password")
    return 0


def _erase(invocation: Invocation) -> int:
    [number] = invocation.expect(1)
    if not (invocation.given("yes") or confirmed(one_line(f"this erases {number} with its mail for good"))):
        return 1
    print(f"account {perform(invocation, 'accounterase', {'id': number})} is erased")
    return 0


def _addresses(invocation: Invocation) -> int:
    [name] = invocation.expect(1)
    print(*texts(invocation, "accountaddresses", {"account": name}), sep="\n")
    return 0


def _disable(invocation: Invocation) -> int:
    name, reason = invocation.expect(2)
    perform(invocation, "accountdisabled", {"account": name, "reason": reason})
    print(f"nobody can sign in to account {name}; mail for it still arrives")
    return 0


def _enable(invocation: Invocation) -> int:
    [name] = invocation.expect(1)
    perform(invocation, "accountenable", {"account": name})
    print(f"account {name} can be used again")
    return 0


def _add_address(invocation: Invocation) -> int:
    address, account = invocation.expect(2)
    perform(invocation, "addressadd", {"address": address, "account": account})
    print(f"mail for {address} goes to account {account}")
    return 0


def _remove_address(invocation: Invocation) -> int:
    [address] = invocation.expect(1)
    perform(invocation, "addressrm", {"address": address})
    print(f"{address} is removed")
    return 0


def _account_of(invocation: Invocation) -> int:
    [address] = invocation.expect(1)
    print(perform(invocation, "addressaccount", {"address": address}))
    return 0


COMMANDS = (
    Command(
        words="config account list",
        help="""List the accounts.

One on each line, with a tab and "(disabled)" behind those to which nobody can sign in.

    mox config account list
""",
        run=_list,
    ),
    Command(
        words="config account add",
        arguments="account address",
        help=f"""Add an account with its first address.

The account gets the usual settings, and no password. {HOW}

    mox config account add jane jane@example.org
""",
        run=_add,
    ),
    Command(
        words="config account rm",
        arguments="account",
        help=f"""Remove an account, keeping its mail aside.

Its addresses are free then, whoever is signed in is sent away, and its directory is moved below "removed" in the data
directory. Messages that it sent go out as usual; 'queue drop -account' takes them out. Reports about its domain go
nowhere then, when nobody else has an address of that. {HOW}

    mox config account rm jane
""",
        run=_remove,
    ),
    Command(
        words="config account removed",
        help="""List the removed accounts that can be brought back.

Prints for each what 'config account restore' wants, the day it was removed, and its addresses.

    mox config account removed
""",
        run=_removed,
    ),
    Command(
        words="config account restore",
        arguments="removed",
        help=f"""Bring a removed account back.

With its settings, addresses, mail and password. {HOW}

    mox config account restore jane-20260921T141320
""",
        run=_restore,
    ),
    Command(
        words="config account erase",
        arguments="removed",
        help="""Erase a removed account with its mail, for good.

Asks before it does, on a terminal; elsewhere it needs -yes.

    mox config account erase -yes jane-20260921T141320
""",
        run=_erase,
        flags=(Flag("yes", "do it without asking", Value.NOTHING),),
    ),
    Command(
        words="config account addresses",
        arguments="account",
        help="""List the addresses of an account.

One on each line; "@domain" stands for all that no other address of the domain takes.

    mox config account addresses jane
""",
        run=_addresses,
    ),
    Command(
        words="config account disable",
        arguments="account message",
        help=f"""Let nobody sign in to an account.

The message is shown to who tries, and whoever is signed in is sent away. Mail still arrives. {HOW}

    mox config account disable jane "call us about the bill"
""",
        run=_disable,
    ),
    Command(
        words="config account enable",
        arguments="account",
        help=f"""Let people sign in to an account again.

{HOW}

    mox config account enable jane
""",
        run=_enable,
    ),
    Command(
        words="config address add",
        arguments="address account",
        help=f"""Give an account another address.

With "@domain" the account takes what no other address of the domain does. {HOW}

    mox config address add info@example.org jane
""",
        run=_add_address,
    ),
    Command(
        words="config address rm",
        arguments="address",
        help=f"""Take an address from its account.

It leaves the aliases that it is a member of, too; not when it is the last one of an alias. {HOW}

    mox config address rm info@example.org
""",
        run=_remove_address,
    ),
    Command(
        words="config address account",
        arguments="address",
        help="""Print the account that has an address.

    mox config address account info@example.org
""",
        run=_account_of,
    ),
)
