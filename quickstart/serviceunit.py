"""Units for systemd: a service that never runs our server as root, and one that is given its ports.

The usual service starts as the mox user with the one capability that low ports need, which the server gives up when
they are open. What needs root, the owner of files, is done before by `fixpermissions`. With sockets systemd opens the
ports: the service needs no capability at all, and nothing is refused while it is restarted. So much is closed off that
`systemd-analyze security` calls the exposure 2.0 or less; a test asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

_UNIT = """\
[Unit]
Description=mox mail server
After=network-online.target
Wants=network-online.target
{needs}
[Service]
Type=notify
User={user}
WorkingDirectory={directory}
ExecStartPre=+/usr/bin/env python3 {archive} fixpermissions
ExecStart=/usr/bin/env python3 {archive} serve
ExecReload=/usr/bin/env python3 {archive} config test
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5s
TimeoutStartSec=30min
TimeoutStopSec=90s
WatchdogSec=2min
UMask=0077
LimitNOFILE=65535
{capabilities}
NoNewPrivileges=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateTmp=yes
PrivateMounts=yes
ProtectSystem=strict
ProtectHome={protect_home}
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ReadWritePaths={config} {data}
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=capset
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""

_SOCKET = """\
[Unit]
Description=ports of the mox mail server

[Socket]
{listen}
BindIPv6Only=ipv6-only
ReusePort=yes
NoDelay=yes
Backlog=1024

[Install]
WantedBy=sockets.target
"""

_LOW_PORTS = "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE"
_NOTHING = "CapabilityBoundingSet=\nPrivateUsers=yes"
_HOMES = tuple(f"/{name}" for name in ("home", "root", "run/user"))  # what ProtectHome closes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the server is on the machine, as full paths."""

    directory: str
    archive: str
    user: str


def service_unit(place: Place, *, is_given_sockets: bool = False) -> str:
    """The text of mox.service."""
    directory = PurePath(place.directory)
    return _UNIT.format(
        needs="Requires=mox.socket\nAfter=mox.socket\n" if is_given_sockets else "",
        user=place.user,
        directory=_quoted(place.directory, is_word=False),
        archive=_quoted(place.archive),
        config=_quoted(str(directory / "config")),
        data=_quoted(str(directory / "data")),
        capabilities=_NOTHING if is_given_sockets else _LOW_PORTS,
        protect_home="read-only" if _is_in_home(place) else "yes",
    )


def socket_unit(places: Sequence[tuple[str, int]]) -> str:
    """The text of mox.socket, for addresses and ports."""
    lines = dict.fromkeys(
        f"ListenStream=[{address}]:{port}" if ":" in address else f"ListenStream={address}:{port}"
        for address, port in places
    )
    return _SOCKET.format(listen="\n".join(lines))


def _is_in_home(place: Place) -> bool:
    return any(PurePath(path).is_relative_to(home) for path in (place.directory, place.archive) for home in _HOMES)


def _quoted(path: str, *, is_word: bool = True) -> str:
    """As systemd.service(5) reads it; per cent signs begin specifiers."""
    plain = path.replace("%", "%%")
    if not is_word or not any(char in path for char in " \t\"'\\"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
