"""Commands that add reports of other servers: by the running server when there is one, else here."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator

from app.cli.command import Command, Invocation
from app.cli.messagefile import read_message
from app.cli.running import ask_server
from app.cli.standalone import locked, open_data
from app.ctl.client import NotRunning
from app.ctl.protocol import Json


def _add(kind: str, invocation: Invocation) -> int:
    (domain,) = invocation.expect(1)
    arguments: dict[str, Json] = {"kind": kind, "from": domain}
    message = read_message("-")
    try:
        with ask_server(invocation) as client:
            is_new = client.call("addreport", arguments, source=[message])
    except NotRunning as no_server:
        is_new = _add_here(invocation, arguments, message, no_server)
    print("the report is added" if is_new else "the report was here already")
    return 0


def _add_here(invocation: Invocation, arguments: dict[str, Json], message: bytes, no_server: NotRunning) -> Json:
    import asyncio

    from app.ctl.protocol import Arguments
    from app.ctl.reportcommands import perform
    from app.store.serverdb import ServerDb

    async def whole() -> AsyncIterator[bytes]:
        yield message

    with locked(invocation, no_server):
        live, accounts = open_data(invocation)
        accounts.close()
        server = ServerDb.open(live.data_dir)
        try:
            return asyncio.run(perform(live, server.reports, Arguments(arguments), whole()))
        finally:
            server.close()


COMMANDS = (
    Command(
        words="dmarcdb addreport",
        arguments="domain",
        help="""Add the DMARC report in a message from standard input, as one that `domain` has sent.

For reports that came elsewhere. Nothing proves who sent it, so add only what you know to be true.

    mox dmarcdb addreport google.com < report.eml
""",
        run=functools.partial(_add, "dmarc"),
        is_listed=False,
    ),
    Command(
        words="tlsrptdb addreport",
        arguments="domain",
        help="""Add the TLS report in a message from standard input, as one that `domain` has sent.

For reports that came elsewhere. Nothing proves who sent it, so add only what you know to be true.

    mox tlsrptdb addreport google.com < report.eml
""",
        run=functools.partial(_add, "tls"),
        is_listed=False,
    ),
)
