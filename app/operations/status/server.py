"""The server itself: its version, since when it runs and how it ended before, and its data."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app import VERSION
from app.errors import MailError
from app.log import SETTINGS, Level
from app.operations.status.finding import Finding, Page, Sources, Subject, act, fine, look
from app.operations.status.words import age, plural, size
from app.store import snapshots
from app.store.account import junkfilter
from app.store.account.schema import MIGRATIONS
from app.store.integrity import evident_fault
from app.store.queueschema import MIGRATIONS as QUEUE_MIGRATIONS
from app.store.runs import Run
from app.store.serverschema import MIGRATIONS as SERVER_MIGRATIONS

DAY_S: Final = 86400.0
RESTARTS: Final = 20  # that are looked at
MANY_CRASHES: Final = 3  # in a day
LARGE_WAL_BYTES: Final = 256 << 20
MAX_ACCOUNTS: Final = 200


async def runs(sources: Sources) -> Sequence[Finding]:
    """How the server runs, and how runs before ended."""
    known, now = await sources.server.runs.newest(RESTARTS), sources.clock.now()
    present = next((one for one in known if one.is_present), None)
    found = [*_crashes(known, now)]
    errors = SETTINGS.counts[Level.ERROR]
    since = f" since {age(now - present.started)}" if present else ""
    text = f"Version {VERSION}, runs{since}; {plural(errors, 'error')} in its log in that time."
    return [*found, fine(Subject.SERVER, "The server runs", text)]


async def at_rest(sources: Sources) -> Sequence[Finding]:
    """That no server runs, and what is known of the last one."""
    last = next(iter(await sources.server.runs.newest(1)), None)
    advice = "Mail from elsewhere waits at its senders, for some days. Start it with 'serve', or by its service."
    if last is None:
        return [act(Subject.SERVER, "The server was never started", advice)]
    since = age(sources.clock.now() - (last.started if last.ended is None else last.ended))
    ended = f"It was started {since} ago, and did not end by itself" if last.ended is None else f"It ended {since} ago"
    return [act(Subject.SERVER, "The server does not run", f"{ended}. {advice}")]


def _crashes(known: Sequence[Run], now: float) -> Sequence[Finding]:
    """Runs that somebody or something ended, noticed by the start after them."""
    recent = [one for one in known if one.ended is None and not one.is_present and now - one.started < DAY_S]
    if not recent:
        return []
    count = plural(len(recent), "time")
    text = f"In the last day it ended {count} without being told to: killed, short of memory, or the machine went down."
    finding = act if len(recent) >= MANY_CRASHES else look
    return [finding(Subject.SERVER, "The server did not end by itself", f"{text} The log of the system may say why.")]


async def data(sources: Sources) -> Sequence[Finding]:
    """The databases, and what is left of an upgrade."""
    found = list(await asyncio.to_thread(_databases, sources.live.data_dir))
    return found + list(await asyncio.to_thread(_before_upgrade, sources.live.data_dir, sources.clock.now()))


def _databases(data_dir: Path) -> Sequence[Finding]:
    newest = {
        data_dir / "server.db": len(SERVER_MIGRATIONS),
        data_dir / "queue" / "index.db": len(QUEUE_MIGRATIONS),
        **{path.parent / "index.db": len(MIGRATIONS) for path in data_dir.glob("accounts/*/msg")},
    }
    paths = list(newest)
    sizes = {path: _size(path) for path in paths}
    unusable = [
        act(
            Subject.DATA,
            "A database cannot be used",
            f"{path.relative_to(data_dir)} {fault}. Mail that needs it waits at its senders. Stop the server, look with"
            " 'verifydata', and bring it back from a backup with 'restore'.",
        )
        for path, version in newest.items()
        if (fault := evident_fault(path, version))
    ]
    if unusable:
        return unusable
    found = [
        look(
            Subject.DATA,
            "A database cannot be tidied",
            f"The log of {path.relative_to(data_dir)} has {size(log)}: something reads it long. Restart the server.",
        )
        for path in paths
        if (log := _size(path.with_name(path.name + "-wal"))) > LARGE_WAL_BYTES
    ]
    text = f"{plural(len(paths), 'database')} with {size(sum(sizes.values()))} in all."
    return [*found, fine(Subject.DATA, "The databases are open", text)]


def _before_upgrade(data_dir: Path, now: float) -> Sequence[Finding]:
    """The copies of databases that an upgrade made."""
    copies = snapshots.find(data_dir)
    if not copies:
        return []
    when = age(max(0.0, now - max(one.taken for one in copies)))
    total = size(sum(_size(one.path) for one in copies))
    text = (
        f"{plural(len(copies), 'copy', 'copies')} of databases from before the upgrade {when} ago, with {total}, are"
        f" kept for {snapshots.KEEP_S // 86400} days; 'undoupgrade' goes back to them."
    )
    return [fine(Subject.DATA, "The last upgrade can be undone", text)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def junk(sources: Sources) -> Sequence[Finding]:
    """How many filters judge, and which have still to learn. Opens accounts, so it is not for each look."""
    names = [name for name, config in sources.live.dynamic.accounts.items() if config.junk_filter is not None]
    young: list[str] = []
    for name in names[:MAX_ACCOUNTS]:
        try:
            account = await sources.accounts.open(name)
            found = await junkfilter.learning(account)
        except MailError:
            continue
        if not found.samples.is_enough:
            young.append(name)
    if not names:
        return [fine(Subject.JUNK, "No junk filters", "No account has one.", Page("/accounts", "Accounts"))]
    count = plural(len(names), "account")
    text = f"{count} with a filter; {len(young):,} of them still learn, from what is moved to Junk."
    return [fine(Subject.JUNK, "Junk filters", text, Page("/accounts", "Accounts"))]
