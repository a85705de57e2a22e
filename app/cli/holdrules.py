"""Commands about hold rules of the queue."""

from __future__ import annotations

from collections.abc import Mapping

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.listing import print_rows
from app.cli.queuefilter import require_values
from app.cli.standalone import ask_server_or_data
from app.ctl.protocol import ControlError, Json


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    with ask_server_or_data(invocation) as client:
        rows = client.call("queueholdruleslist")
    return print_rows(rows, _line, when_empty="no hold rules")


def _line(row: Mapping[str, Json]) -> str:
    names = (("account", "account"), ("sender_domain", "from"), ("recipient_domain", "to"))
    parts = [f"{word} {row[name]}" for name, word in names if row[name]]
    return f"{row['id']}  {', '.join(parts) or 'everything'}"


def _add(invocation: Invocation) -> int:
    invocation.expect(0)
    require_values(invocation, "account", "senderdom", "recipientdom")
    arguments: dict[str, Json] = {
        "account": invocation.text("account"),
        "sender_domain": invocation.text("senderdom"),
        "recipient_domain": invocation.text("recipientdom"),
    }
    if not any(arguments.values()) and not invocation.given("all"):
        raise UsageError("say what to hold, or -all")
    with ask_server_or_data(invocation) as client:
        done = client.call("queueholdrulesadd", arguments)
    if not isinstance(done, dict):
        raise ControlError("the server's answer cannot be understood")
    print(f"rule {done['id']}: {done['held']} recipients are on hold now; 'queue unhold' lets them go")
    return 0


def _remove(invocation: Invocation) -> int:
    (text,) = invocation.expect(1)
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!r} is not the number of a rule")
    with ask_server_or_data(invocation) as client:
        client.call("queueholdrulesremove", {"id": int(text)})
    print("what is on hold stays so until 'queue unhold'")
    return 0


COMMANDS = (
    Command(
        words="queue holdrules list",
        help="""List the rules that put mail on hold when it is queued.

    mox queue holdrules list
""",
        run=_list,
    ),
    Command(
        words="queue holdrules add",
        help="""Put matching mail on hold from now on, and what is in the queue.

All that is given must match. For an account that sends what it should not, or a destination to wait for. Nobody is
told; 'queue list -hold true' shows what waits.

    mox queue holdrules add -account jane
""",
        run=_add,
        flags=(
            Flag("account", "mail that this account sends"),
            Flag("senderdom", "mail with a sender in this domain", placeholder="domain"),
            Flag("recipientdom", "mail to this domain", placeholder="domain"),
            Flag("all", "everything, when nothing else is given", Value.NOTHING),
        ),
    ),
    Command(
        words="queue holdrules remove",
        arguments="number",
        help="""Remove a hold rule; what it put on hold stays there.

    mox queue holdrules remove 3
""",
        run=_remove,
    ),
)
