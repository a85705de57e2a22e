"""The command that goes back to the databases from before an upgrade."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.listing import one_line
from app.cli.running import data_dir

if TYPE_CHECKING:
    from app.operations.undoneupgrade import GoingBack


def _undo_upgrade(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.operations import undoneupgrade
    from app.store.datalock import DataLock

    directory = data_dir(invocation)
    if not directory.is_dir():
        print(one_line(f"there is no data in {directory}"))
        return 1
    with DataLock(directory):
        is_done = invocation.given("yes")
        found = undoneupgrade.undo(directory) if is_done else undoneupgrade.plan(directory)
    if not found:
        print("there is nothing to go back to: no upgrade changed a database in the last 30 days")
        return 1
    for one in found:
        print(one_line(_line(one)))
    if is_done:
        print("start the version from before now; this version would upgrade again")
    else:
        print("nothing was changed; to go back, add -yes")
    return 0


def _line(one: GoingBack) -> str:
    when = datetime.fromtimestamp(one.taken).astimezone().strftime("%Y-%m-%d %H:%M")
    newer = f"; {one.newer} messages came since" if one.newer else ""
    aside = f"; what it was until now is in {one.aside}" if one.aside else ""
    return f"{one.database}: as it was on {when}, before schema {one.version}{newer}{aside}"


COMMANDS = (
    Command(
        words="undoupgrade",
        help="""Go back to the databases from before the last upgrade, so that the version before can run.

The server must be stopped. Without -yes it says what would happen. Before an upgrade changes a database it is copied,
and the copy is kept for 30 days. Going back leaves out what came since: mail, flags, settings of accounts. It is not
lost: the databases of now are put aside in directories beside them, from which this version exports mail with
'export maildir FOLDER DATA/accounts/NAME/undone-NUMBER'. Nothing in the queue is sent twice; newer messages in it must
be sent or dropped first.

    mox undoupgrade
""",
        run=_undo_upgrade,
        flags=(Flag("yes", "do it", Value.NOTHING),),
    ),
)
