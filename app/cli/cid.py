"""The command that finds the connection number of an id that somebody was shown."""

from __future__ import annotations

from app.cli.command import Command, Invocation
from app.cli.running import data_dir


def _cid(invocation: Invocation) -> int:
    from app.ids import format_cid
    from app.store.receivedids import ReceivedIds

    (text,) = invocation.expect(1)
    print(format_cid(ReceivedIds.read(data_dir(invocation)).unseal(text)))
    return 0


COMMANDS = (
    Command(
        words="cid",
        arguments="id",
        help="""Find the connection number of an id that a page showed.

A page that tells of a fault of this server shows an id of 22 characters, which says nothing to strangers. The log has
lines with the number behind it: look for cid=NUMBER. The key is in receivedid.key of the data directory, so this works
without a running server, and also with ids of the Go server when its key was taken along.

    mox cid 2HgVYWbXJwL6mHPGVmwGSA
""",
        run=_cid,
    ),
)
