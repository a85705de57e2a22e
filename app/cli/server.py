"""Commands that run and stop the server, and those that change how a running one behaves."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.running import ask_server
from app.ctl.protocol import ControlError


def _serve(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.cli import profiling
    from app.serve import run

    is_alone = invocation.given("nosupervisor") or profiling.is_on()
    return run(invocation.config_path, is_supervised=not is_alone)


def _localserve(invocation: Invocation) -> int:
    invocation.expect(0)
    from app import localserve

    ip = _address(invocation.text("ip"))
    directory = Path(invocation.text("dir") or localserve.default_dir()).absolute()
    path = localserve.prepare(directory, ip)
    _give_password(path)
    if invocation.given("initonly"):
        print(f"configuration is in {directory}")
        return 0
    print(
        f"account {localserve.ADDRESS}, password {localserve.PASSWORD}; configuration and mail are in {directory}\n"
        f"ports and how to use them: http://{ip or 'localhost'}:1080/",
        flush=True,
    )
    from app.serve import run

    return run(path, localserve_address=localserve.ADDRESS)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text) if text else None
    except ValueError:
        raise UsageError(f"-ip needs an IP address, not {text!r}") from None


def _give_password(config_path: Path) -> None:
    """Give localserve's account its password at the first start."""
    from app import localserve
    from app.config.live import Live
    from app.operations.accountdata import set_password

    live = Live.open(config_path)
    if not (live.data_dir / "accounts" / localserve.ACCOUNT).exists():
        set_password(live.static, live.dynamic, live.data_dir, localserve.ACCOUNT, localserve.PASSWORD)


def _stop(invocation: Invocation) -> int:
    invocation.expect(0)
    with ask_server(invocation) as client:
        client.call("stop")
        client.wait_for_end()
    print("mox stopped")
    return 0


def _loglevels(invocation: Invocation) -> int:
    words = invocation.expect(0, 2)
    with ask_server(invocation) as client:
        if words:
            client.call("setloglevels", {"level": words[0], "package": words[1] if len(words) > 1 else ""})
            return 0
        levels = client.call("loglevels")
    if not isinstance(levels, dict):
        raise ControlError("the server's answer cannot be understood")
    for package, level in levels.items():
        print(f"{package or '(default)'}: {level}")
    return 0


COMMANDS = (
    Command(
        words="serve",
        help="""Run the server.

Reads mox.conf and domains.conf, opens the ports, gives up root, and serves until it is stopped by 'stop', SIGTERM or
SIGINT. The log goes to standard error. A small process stays above the one that serves: it starts it again when it
ends unexpectedly, and SIGHUP has it start anew, with the program and configuration that are there by then, without
closing a port. Ports may also be handed over by systemd; 'config printservice' prints units for both ways.

    mox -config config/mox.conf serve
""",
        flags=(Flag("nosupervisor", "serve in this process, with none above it", Value.NOTHING),),
        run=_serve,
    ),
    Command(
        words="localserve",
        help="""Run a whole server for developing and testing, on high ports, with nothing to set up.

Makes a configuration at the first start, with account mox@localhost and password moxmoxmox. All mail that it takes,
for any address, goes to that account; nothing leaves the machine. SMTP is on port 1025, submission on 1587 and 1465,
IMAP on 1143 and 1993, pages on 1080 and 1443.

    mox localserve -dir /tmp/mail
""",
        flags=(
            Flag("dir", "where configuration and mail are", placeholder="directory"),
            Flag("ip", "listen on this address instead of loopback; only at the first start", placeholder="address"),
            Flag("initonly", "make the configuration and exit", Value.NOTHING),
        ),
        run=_localserve,
    ),
    Command(
        words="stop",
        help="""Stop the running server.

Connections may finish what they do for a few seconds. Returns when the server is gone.

    mox stop
""",
        run=_stop,
    ),
    Command(
        words="loglevels",
        arguments="[level [package]]",
        help="""Show or change how much the running server logs.

Without arguments, prints the levels. With a level, sets it for all packages without one of their own; with a package,
for that package; an empty level with a package takes its own level away. Levels, least first: error warn info debug
trace traceauth tracedata. The configuration file is not changed.

    mox loglevels debug smtpserver
""",
        run=_loglevels,
    ),
)
