"""Run the server: `serve` with a configuration, or `localserve` for tests.

Order: read and check the configuration, lock the data directory, bind every socket and read every key, hand over the
data directory and drop root for good, and only then start threads, databases and the event loop. SIGTERM and SIGINT
stop it in an orderly way, so does `stop` on the control socket. Nothing is served before everything is ready.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from app import VERSION
from app.config.live import Live
from app.ctl.commands import Controlled, operations
from app.ctl.server import ControlServer
from app.endpoints import Bound, open_endpoints
from app.engine import Engine, Options
from app.errors import ConfigError, MailError
from app.log import logger, set_levels
from app.net.listen import raise_file_limit
from app.net.privileges import drop, lookup_user, own, require_reach
from app.net.tlsbuffer import install
from app.store.datalock import DataLock

log = logger("serve")


def run(config_path: Path, *, localserve_address: str = "") -> int:
    """Serve until told to stop; the exit code of the process. `localserve_address` takes all mail in localserve."""
    try:
        live = Live.open(config_path)
        set_levels(live.static.log_level, dict(live.static.package_log_levels))
        lock = DataLock(live.data_dir)
        lock.take()
        bound = open_endpoints(live)
        if os.getuid() == 0 and not localserve_address:
            _give_up_root(live)
        os.umask(0o007)
    except ConfigError as err:
        for problem in err.problems:
            print(problem, file=sys.stderr)
        return 1
    except (MailError, OSError) as err:
        print(err, file=sys.stderr)
        return 1
    raise_file_limit()
    install()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(live, bound, lock, Options(localserve_address=localserve_address)))


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


async def _serve(live: Live, bound: list[Bound], lock: DataLock, options: Options) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        engine = Engine(live, options)
        controlled = Controlled(
            live=live,
            accounts=engine.accounts,
            queue=engine.queue,
            server=engine.server,
            rotations=engine.rotations,
            stop=stop.set,
        )
        control = ControlServer(live.data_dir, operations(controlled))
        await control.start()
    except MailError as err:
        print(err, file=sys.stderr)
        return 1
    await engine.start(bound)
    log.info("started", version=VERSION, config=live.path)
    await stop.wait()
    log.info("stopping")
    await engine.stop()
    lock.release()  # first, as who waits for the socket to close starts the next server
    await control.close()
    return 0
