"""The commands that bring back mail from a backup, into a running server or without one."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.configuring import perform
from app.cli.listing import one_line
from app.cli.progress import Seldom
from app.cli.running import ask_server
from app.cli.standalone import locked, work_here
from app.ctl.client import NotRunning
from app.ctl.protocol import Json
from app.errors import MailError

if TYPE_CHECKING:
    from app.config.live import Live
    from app.operations.mailexport.source import Tally
    from app.operations.restore.selecting import Choice, Returning
    from app.store.accounts import Accounts


def _list(invocation: Invocation) -> int:
    name, *rest = invocation.expect(1, 3)
    from app.operations.mailexport.source import choose
    from app.operations.restore import selecting
    from app.store.account.anyversion import readable

    backup = Path(name)
    if not rest:
        for account in selecting.account_names(backup):
            print(one_line(account))
        return 0
    with readable(selecting.account_directory(backup, rest[0])) as source:
        if len(rest) == 1:
            for mailbox in choose(source):
                print(one_line(f"{mailbox.name}: {mailbox.total} messages"))
            return 0
        for one in selecting.listed(source, rest[1]):
            when = datetime.fromtimestamp(one.received).astimezone().strftime("%Y-%m-%d %H:%M")
            print(one_line(f"{one.uid}  {when}  <{one.message_id}>  {one.subject}"))
    return 0


def _all(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    from app.operations.restore.everything import Wanted, restore_all

    wanted = Wanted(backup=Path(name), config_path=invocation.config_path, is_moving=invocation.given("moving"))
    done = restore_all(wanted, lambda text: print(one_line(text), flush=True))
    code = _tell_faults(done.faults)
    if done.held:
        print(f"{done.held} messages in the queue are on hold, as they may have been sent since: see 'queue list'")
    for one in done.left_out:
        print(one_line(f"note: not in the backup: {one}, which the configuration names; bring it back, too"))
    print(one_line(f"restored: {done.config_path} and {done.data_dir}; start the server with 'serve'"))
    return code


def _tell_faults(faults: Sequence[str]) -> int:
    for fault in faults:
        print(one_line(f"error: {fault}"), file=sys.stderr)
    return int(bool(faults))


def _account(invocation: Invocation) -> int:
    backup, name = invocation.expect(2)
    from app.config.live import Live
    from app.operations.removedaccounts import erase_account
    from app.operations.restore import gone
    from app.operations.restore.selecting import Choice

    live = Live.open(invocation.config_path)
    if name not in live.dynamic.accounts:
        brought = gone.bring_among_removed(Path(backup), name, live)
        try:
            perform(invocation, "accountrestore", {"id": brought.id})
        except MailError:
            erase_account(live.data_dir, brought.id)
            raise
        print(one_line(f"account {name} is back as it was in the backup, with its settings, mail and password"))
        return _tell_faults(brought.faults)
    if gone.is_without_mail(live, name):
        with locked(invocation, NotRunning(f"stop the server first: account {name} has no mail, all of it comes back")):
            faults = gone.bring_mail(Path(backup), name, live.data_dir)
        print(one_line(f"account {name} is as it was in the backup"))
        return _tell_faults(faults)
    return _bring_back(invocation, backup, name, Choice(is_beside=not invocation.given("missing")))


def _mailbox(invocation: Invocation) -> int:
    backup, name, mailbox = invocation.expect(3)
    from app.operations.restore.selecting import Choice

    return _bring_back(invocation, backup, name, Choice(mailbox=mailbox, is_beside=not invocation.given("missing")))


def _message(invocation: Invocation) -> int:
    backup, name, which = invocation.expect(3)
    from app.operations.restore.selecting import Choice

    mailbox = invocation.text("mailbox")
    if not mailbox:
        return _bring_back(invocation, backup, name, Choice(message_id=which, is_beside=False))
    if not which.isdecimal() or len(which) > 10 or int(which) == 0:
        raise UsageError("with -mailbox a message is named by its number in 'restore list'")
    return _bring_back(invocation, backup, name, Choice(mailbox=mailbox, uid=int(which), is_beside=False))


def _bring_back(invocation: Invocation, backup: str, name: str, choice: Choice) -> int:
    """Add messages of a backup to an account that is there."""
    from app.operations.mailexport.source import Tally
    from app.operations.restore import selecting
    from app.operations.restore.stream import pack
    from app.store.account.anyversion import readable

    tally = Tally()
    with readable(selecting.account_directory(Path(backup), name)) as source:
        messages = _told(selecting.returning(source, choice, tally), tally)
        try:
            with ask_server(invocation) as client:
                found = client.call("restoremail", {"account": name}, pack(messages))
        except NotRunning as no_server:
            found = _take_here(invocation, name, messages, no_server)
    return _say(found, tally, choice)


def _told(messages: Iterable[Returning], tally: Tally) -> Iterator[Returning]:
    seldom = Seldom()
    for one in messages:
        yield one
        seldom.say(f"{tally.mailbox}: {tally.done} of {tally.expected} messages")


def _take_here(invocation: Invocation, name: str, messages: Iterator[Returning], no_server: NotRunning) -> Json:
    from app.operations.restore.stream import pack, unpack
    from app.operations.restore.taking import take_back

    async def pieces() -> AsyncIterator[bytes]:
        for piece in pack(messages):
            yield piece

    async def take(live: Live, accounts: Accounts) -> Json:
        from app.ctl.protocol import Arguments
        from app.ctl.restorecommands import account_name, row

        account = await accounts.open(account_name(live, Arguments({"account": name})))
        return row(await take_back(account, unpack(pieces(), accounts.tmp_dir)))

    return work_here(invocation, no_server, take)


def _say(found: Json, tally: Tally, choice: Choice) -> int:
    from app.operations.restore.selecting import BESIDE

    assert isinstance(found, dict)
    problems = found["problems"] if isinstance(found["problems"], list) else []
    for problem in [*tally.faults, *problems]:
        print(one_line(str(problem)), file=sys.stderr)
    where = f"below the mailbox {BESIDE}" if choice.is_beside else "in the mailboxes they were in"
    print(f"{found['added']} messages are back, {where}; {found['present']} were there already")
    if found["mended"]:
        print(f"{found['mended']} of those that were there were damaged, and are whole again")
    return int(bool(tally.fault_count))


_MISSING = Flag("missing", "into the mailboxes themselves, but for messages that they still have", Value.NOTHING)
_MORE = """
The messages come back with flags, keywords and dates, as new ones. Nothing that is there is changed. They come below
the mailbox Restored, as Restored/Inbox; move what you want from there and delete the rest. With -missing they come into
the mailboxes they were in, but for those that these still have, byte for byte. Messages that 'verifydata' calls damaged
are made whole where they are. Works with the server running, and without one; a restore that was ended is simply run
again.
"""

COMMANDS = (
    Command(
        words="restore list",
        arguments="backup [account [mailbox]]",
        help="""List what is in a backup: accounts, or mailboxes of one, or messages with number, date and Message-ID.

    mox restore list /backup/mox-monday jane Inbox
""",
        run=_list,
    ),
    Command(
        words="restore all",
        arguments="backup",
        help="""Restore configuration and data of a backup to where there are none.

The configuration goes to the place of -config (config/mox.conf), the data to where the backup's mox.conf says. All of
it is verified. As newer mail than the backup may have been there, mail programs are made to load their mailboxes again
(new uidvalidity), and messages in the queue are put on hold, as they may have been sent. With -moving neither is done:
for a backup of a server that was stopped and did not run since, such as to move to another machine.

    mox restore all /backup/mox-monday
""",
        run=_all,
        flags=(Flag("moving", "the server did not run since the backup", Value.NOTHING),),
    ),
    Command(
        words="restore account",
        arguments="backup account",
        help=f"""Bring back the mail of an account from a backup, or an account that was removed.

An account that the configuration does not have any more comes back as it was, with settings, aliases and password.
{_MORE}
    mox restore account /backup/mox-monday jane
""",
        run=_account,
        flags=(_MISSING,),
    ),
    Command(
        words="restore mailbox",
        arguments="backup account mailbox",
        help=f"""Bring back a mailbox, with those below it, from a backup.
{_MORE}
    mox restore mailbox /backup/mox-monday jane Archive/2025
""",
        run=_mailbox,
        flags=(_MISSING,),
    ),
    Command(
        words="restore message",
        arguments="backup account message",
        help="""Bring back one message from a backup, into the mailboxes it was in that do not have it any more.

It is named by its Message-ID, or, with -mailbox, by its number there; 'restore list' shows both. It comes with flags,
keywords and date, as a new message. Works with the server running, and without one.

    mox restore message /backup/mox-monday jane 20261122.1@example.org
    mox restore message -mailbox Inbox /backup/mox-monday jane 123
""",
        run=_message,
        flags=(Flag("mailbox", "the mailbox in which the message has that number", placeholder="name"),),
    ),
)
