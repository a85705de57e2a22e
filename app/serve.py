"""Run the server: `serve` with a configuration, or `localserve` for tests.

Order: read and check the configuration, lock the data directory, bind every socket or take those that systemd gives,
read every key, hand over the data directory and drop root for good; then `supervisor` forks, and only then, in the
engine's process, come threads, databases and the event loop. SIGTERM and SIGINT stop it in an orderly way, so does
`stop` on the control socket; SIGHUP starts it anew. Nothing is served before everything is ready.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app import VERSION
from app.config.live import Live
from app.endpoints import Bound, open_endpoints
from app.errors import ConfigError, MailError
from app.log import logger, set_levels
from app.net import servicenotify
from app.net.handover import inherited
from app.net.listen import raise_file_limit
from app.net.privileges import drop, drop_capabilities, lookup_user, own, require_reach
from app.net.tlsbuffer import install
from app.store.datalock import DataLock
from app.supervisor import Above, Said, Supervisor

log = logger("serve")


def run(config_path: Path, *, localserve_address: str = "", is_supervised: bool = False) -> int:
    """Serve until told to stop; the exit code of the process. `localserve_address` takes all mail in localserve."""
    try:
        live = Live.open(config_path)
        set_levels(live.static.log_level, dict(live.static.package_log_levels))
        lock = DataLock(live.data_dir)
        lock.take()
        bound = open_endpoints(live, inherited(os.environ))
        if not localserve_address:
            if os.getuid() == 0:
                _give_up_root(live)
            drop_capabilities()
        os.umask(0o007)
    except ConfigError as err:
        for problem in err.problems:
            print(problem, file=sys.stderr)
        return 1
    except (MailError, OSError) as err:
        print(err, file=sys.stderr)
        return 1
    raise_file_limit()

    def engine(above: Above | None) -> int:
        install()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(_serve(live, bound, lock, Run(above, localserve_address)))
            if above is not None:
                above.leave(code)  # not to wait for threads that ask others; everything of ours is closed
            return code

    if not is_supervised:
        return engine(None)
    return Supervisor(engine, live.path, [one.socket for one in bound]).run()


@dataclass(frozen=True, slots=True)
class Run:
    """This run of the engine."""

    above: Above | None  # None without a supervisor
    localserve_address: str


def _give_up_root(live: Live) -> None:
    user = live.static.user or "mox"
    ids = lookup_user(user)
    if not live.static.no_fix_permissions:
        own([live.data_dir, live.config_dir], ids)
    drop(ids)
    for path in (live.config_dir, live.data_dir):
        require_reach(path, user, "move config and data to a directory that everyone may enter, such as /srv/mox")
    # Modules are imported later too.
    require_reach(Path(os.__file__).parent, user, "run mox with a Python for all users, such as /usr/bin/python3")
    log.info("running as", user=user, uid=ids.uid)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed: TLS and small commands cost it half (DEVELOP.md has the figures)."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(live: Live, bound: list[Bound], lock: DataLock, this: Run) -> int:
    from app.ctl.commands import Controlled, operations
    from app.ctl.server import ControlServer
    from app.engine import Engine, Options

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if this.above is not None:
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # the supervisor's, and sent to all of a terminal
        loop.add_reader(this.above.alive, _end_at_once)
    try:
        engine = Engine(live, Options(localserve_address=this.localserve_address))
        controlled = Controlled(
            live=live,
            accounts=engine.accounts,
            queue=engine.queue,
            server=engine.server,
            rotations=engine.rotations,
            imports=engine.imports,
            stop=stop.set,
            imap_for=engine.imap_for,
            certificates=engine.certificates,
        )
        control = ControlServer(live.data_dir, operations(controlled))
        await control.start()
    except MailError as err:
        print(err, file=sys.stderr)
        return 1
    await engine.start(bound)
    await engine.server.runs.begin(VERSION)
    log.info("started", version=VERSION, config=live.path)
    telling = asyncio.create_task(_tell_all_is_well(this.above))
    await stop.wait()
    log.info("stopping")
    if this.above is not None:
        this.above.say(Said.STOPPING)
    await engine.stop()
    telling.cancel()
    lock.release()  # first, as who waits for the socket to close starts the next server
    await control.close()
    return 0


async def _tell_all_is_well(above: Above | None) -> None:
    """Once, and as often as a watchdog wants: an engine that hangs says nothing."""
    if above is None:
        return
    above.say(Said.UP)
    while pause_s := servicenotify.watchdog_s():
        above.say(Said.ALIVE)
        await asyncio.sleep(pause_s)


def _end_at_once() -> None:
    """The supervisor was killed: so is this, as it would go on without anybody to stop it. Nothing is lost by that."""
    os.kill(os.getpid(), signal.SIGKILL)
