"""Commands for whoever starts the server: units for systemd, and the owner of its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command import Command, Flag, Invocation, UsageError, Value

if TYPE_CHECKING:
    from app.config.live import Live


def _print_service(invocation: Invocation) -> int:
    from app.cli.quickstart import archive
    from quickstart.serviceunit import Place, service_unit, socket_unit

    invocation.expect(0)
    directory = Path.cwd()
    has_sockets = invocation.given("sockets")
    live = _configuration(invocation) if has_sockets or invocation.config_path.exists() else None
    place = Place(
        directory=str(directory),
        archive=archive() or str(directory / "mox.pyz"),
        user=(live.static.user if live is not None else "") or "mox",
    )
    print(service_unit(place, is_given_sockets=has_sockets), end="")
    if has_sockets and live is not None:
        print("\n# The rest is mox.socket.\n")
        print(socket_unit(_places(live)), end="")
    return 0


def _places(live: Live) -> list[tuple[str, int]]:
    from app.endpoints import endpoints

    return [(one.address, one.port) for one in endpoints(live)]


def _configuration(invocation: Invocation) -> Live:
    from app.config.live import Live

    return Live.open(invocation.config_path)


def _fix_permissions(invocation: Invocation) -> int:
    from app.net.privileges import lookup_user, own

    invocation.expect(0)
    live = _configuration(invocation)
    if live.static.no_fix_permissions:
        print("mox.conf has NoFixPermissions: nothing is changed")
        return 0
    if os.geteuid() != 0:
        raise UsageError("only root may change who owns files; run this as root")
    user = live.static.user or "mox"
    own([live.data_dir, live.config_dir], lookup_user(user))
    print(f"{live.config_dir} and {live.data_dir} belong to {user}, and others cannot read them")
    return 0


COMMANDS = (
    Command(
        words="config printservice",
        help="""Print a unit for systemd, for a server in the working directory.

The server is never root: it starts as the user of mox.conf with the right to open low ports, and gives that up. With
-sockets, two units, of which mox.socket has the ports: the service has no rights at all then, and nobody is refused
while it starts again. Write them to /etc/systemd/system, then:
systemctl daemon-reload && systemctl enable --now mox.service

    mox config printservice >/etc/systemd/system/mox.service
""",
        flags=(Flag("sockets", "let systemd open the ports: mox.service and mox.socket", Value.NOTHING),),
        run=_print_service,
    ),
    Command(
        words="fixpermissions",
        help="""Make the files of the server the property of its user.

What is below the directories of mox.conf and of the data gets the user of mox.conf as its owner, and others cannot read
it any more. A shared directory such as /etc is refused, links are not followed. 'serve' does the same when root starts
it; the units of 'config printservice' call this. Nothing happens with NoFixPermissions.

    mox fixpermissions
""",
        run=_fix_permissions,
    ),
)
