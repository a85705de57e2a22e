"""The command that speaks IMAP over standard input and output, for mail programs that start one, as through ssh."""

from __future__ import annotations

from app.cli.command import Command, Flag, Invocation, Value
from app.cli.running import ask_server


def _imap_serve(invocation: Invocation) -> int:
    (address,) = invocation.expect(1)
    with ask_server(invocation) as client:
        client.call("imapserve", {"address": address})
        client.relay(0, 0 if invocation.given("fd0") else 1)
    return 0


COMMANDS = (
    Command(
        words="admin imapserve",
        arguments="address",
        help="""Speak IMAP on standard input and output, signed in as an address of this server.

For mail programs that start a command instead of connecting, such as mbsync and mutt with a tunnel, through ssh to the
machine of the server: ssh's keys stand for the password. It is a session with the running server like any other. Who
may use the control socket (root, and the user that mox runs as) may read the mail of every account this way; each use
is logged.

    mox admin imapserve you@example.org

In ~/.mbsyncrc, instead of Host and Pass:
Tunnel "ssh root@mail.example.org mox.pyz -config /srv/mox/config/mox.conf admin imapserve you@example.org"
""",
        run=_imap_serve,
        flags=(Flag("fd0", "read from and write to file descriptor 0, a socket or terminal", Value.NOTHING),),
    ),
)
