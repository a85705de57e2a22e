"""Commands that prove that mail works, on the running server: what arrived, and a message to elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.cli.command import Command, Flag, Invocation
from app.cli.listing import one_line, print_rows, when
from app.cli.queuefilter import parse_duration
from app.cli.running import ask_server
from app.ctl.client import ControlClient
from app.ctl.protocol import ControlError, Json

ASK_AGAIN_S = 0.5


def _arrivals(invocation: Invocation) -> int:
    [account] = invocation.expect(1)
    with ask_server(invocation) as client:
        found = client.call("arrivals", {"account": account})
    rows = found.get("rows") if isinstance(found, dict) else None
    return print_rows(rows, _line, when_empty="nothing has arrived")


def _line(row: Mapping[str, Json]) -> str:
    checks = row["checks"]
    checked = " ".join(map(str, checks)) if isinstance(checks, list) else ""
    peer = f"from {row['peer']} {row['tls'] or 'without TLS'}" if row["peer"] else "from here"
    results = f"{peer}{', ' if checked else ''}{checked}"
    return f"{when(row['received'])} {row['mailbox']}: {row['sender']}: {row['subject']} ({results})"


def _send_test(invocation: Invocation) -> int:
    sender, to = invocation.expect(2)
    wait_s = parse_duration(invocation.text("wait") or "30s")
    with ask_server(invocation) as client:
        message_id = client.call("sendtest", {"from": sender, "to": to})
        print(f"sent, with Message-ID {message_id}", flush=True)
        found = _wait(client, message_id, wait_s)
    state, said = found["state"], one_line(str(found["error"]))
    print(f"{state}{f' ({said})' if said else ''}")
    return 0 if state == "delivered" else 1


def _wait(client: ControlClient, message_id: Json, wait_s: float) -> Mapping[str, Json]:
    """What became of it, as soon as that is known or the time is over."""
    limit = time.monotonic() + wait_s
    while True:
        found = client.call("messagefate", {"messageid": message_id})
        if not isinstance(found, dict):
            raise ControlError("the server's answer cannot be understood")
        if found["state"] != "waiting" or time.monotonic() >= limit:
            return found
        time.sleep(ASK_AGAIN_S)


COMMANDS = (
    Command(
        words="arrivals",
        arguments="account",
        help="""Print the newest messages that arrived for an account, and what was checked on the way in.

Only what came by SMTP and notices of our own, the last one first; not what mail programs put there.

    mox arrivals jane
""",
        run=_arrivals,
    ),
    Command(
        words="sendtest",
        arguments="from to",
        help="""Send a short message from an address of ours to one elsewhere, and say what became of it.

It is signed and queued like any other. Exit code 0 when the other side took it, else 1, also when it still waits after
the time that -wait gives.

    mox sendtest you@example.org old@example.net
""",
        flags=(Flag("wait", "how long to wait for the result, such as 2m; else 30s", placeholder="duration"),),
        run=_send_test,
    ),
)
