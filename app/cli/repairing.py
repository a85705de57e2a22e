"""Commands that repair accounts: by the running server when there is one, else here, under the lock of the data."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final

from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.cli.progress import Lines, Seldom
from app.cli.running import ask_server
from app.cli.standalone import work_here
from app.ctl.client import NotRunning
from app.ctl.protocol import Json

if TYPE_CHECKING:
    from app.config.live import Live
    from app.store.accounts import Accounts


class _Teller(Seldom):
    """Prints now and then how far a repair is."""

    def tell(self, row: Json) -> None:
        """A step."""
        if isinstance(row, dict):
            self.say(f"{row['account']}: {row['done']} of {row['expected']}")


def _run(name: str, invocation: Invocation, *, needs_account: bool, takes_mailbox: bool) -> int:
    account, mailbox, *_ = (*invocation.expect(int(needs_account), 2 if takes_mailbox else 1), "", "")
    arguments: dict[str, Json] = {"account": account, "mailbox": mailbox}
    teller = _Teller()
    try:
        with ask_server(invocation) as client:
            rows = client.call(name, arguments, output=Lines(teller.tell).feed)
    except NotRunning as no_server:
        rows = _repair_here(name, invocation, arguments, teller, no_server)
    return _print(rows)


def _print(rows: Json) -> int:
    """What was found; the exit code is 1 when something could not be repaired."""
    has_faults = False
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        for change in _texts(row["changes"]):
            print(one_line(f"{row['account']}: {change}"))
        for fault in _texts(row["faults"]):
            has_faults = True
            print(one_line(f"{row['account']}: cannot be repaired: {fault}"), file=sys.stderr)
        if row["more"]:
            print(one_line(f"{row['account']}: and {row['more']} more"))
        if not row["changes"] and not row["faults"]:
            print(one_line(f"{row['account']}: nothing to repair"))
    if not rows:
        print("there is no account this is about")
    if has_faults:
        print("damaged messages come back from a backup only; 'verifydata' lists all damage", file=sys.stderr)
    return int(has_faults)


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _repair_here(
    name: str, invocation: Invocation, arguments: dict[str, Json], teller: _Teller, no_server: NotRunning
) -> Json:
    async def repair(live: Live, accounts: Accounts) -> Json:
        from app.ctl.protocol import Arguments
        from app.ctl.repaircommands import perform
        from app.operations.repairs import Repair

        async def tell(row: Json) -> None:
            teller.tell(row)

        return await perform(live, accounts, Repair(name), Arguments(arguments), tell)

    return work_here(invocation, no_server, repair)


_MORE: Final = "Works with the server running, and without one."


def _command(name: str, arguments: str, summary: str, text: str, example: str) -> Command:
    """A command of the name of its operation; `arguments` are as help writes them."""
    run = functools.partial(
        _run, name, needs_account=not arguments.startswith("["), takes_mailbox="mailbox" in arguments
    )
    help_text = f"{summary}\n\n{text}\n{_MORE}\n\n    mox {name}{example}\n"
    return Command(words=name, arguments=arguments, help=help_text, run=run)


COMMANDS = (
    _command(
        "retrain",
        "[account]",
        "Have junk filters forget everything, and learn again from the flags of all messages.",
        """Of one account, or of all that have a filter. It takes about 6 ms for each message with $Junk or $NotJunk.
Mail goes on being delivered, and is judged without the filter until it has learnt enough.""",
        " jane",
    ),
    _command(
        "recalculatemailboxcounts",
        "account",
        "Count the messages of each mailbox and the size of the account again.",
        """Prints what was wrong: number, unseen, deleted, sizes, keywords in use, and the size that the quota is about.
No mail program notices.""",
        " jane",
    ),
    _command(
        "fixmsgsize",
        "[account]",
        "Set the sizes of messages from their bytes, where they are wrong, and count again.",
        "Of one account, or of all.",
        "",
    ),
    _command(
        "reparse",
        "[account]",
        "Read all messages again, and keep anew what mail programs are told about their structure.",
        """Of one account, or of all; after an upgrade that says so, or when a program shows a message without its
parts. It takes about 1 ms for a message; mail goes on meanwhile. The messages stay as they are. Those whose bytes are
damaged are listed, and the exit code is 1.""",
        " jane",
    ),
    _command(
        "reindex",
        "[account]",
        "Make the word index anew in which mail programs search.",
        """Of one account, or of all. It takes about 1 ms for a message. Searches find everything meanwhile, and take
longer.""",
        " jane",
    ),
    _command(
        "fixuidmeta",
        "account",
        "Raise the numbers for new messages and mailboxes where they are too low.",
        """Such as the next uid of a mailbox that has a message with a higher one. Only where two mailboxes have the
same uidvalidity, the later one gets another, and mail programs load it again.""",
        " jane",
    ),
    _command(
        "bumpuidvalidity",
        "account [mailbox]",
        "Have mail programs forget what they know of a mailbox, and load it again.",
        """Gives a mailbox, or each of the account, a new uidvalidity. Messages keep their uids, flags and dates. For
when a program shows other messages than there are. Who has a mailbox open is disconnected, and comes back alone.""",
        " jane Inbox",
    ),
    _command(
        "reassignuids",
        "account [mailbox]",
        "Number the messages of a mailbox from 1 on, in their present order.",
        """Of one mailbox, or of each; with a new uidvalidity, so that mail programs load it again. For when uids come
near their end, 4294967295, or a program cannot do with high ones. Flags and dates stay. Who has a mailbox open is
disconnected, and comes back by itself.""",
        " jane Archive",
    ),
)
