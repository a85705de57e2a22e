"""Going back to an earlier version of domains.conf, with what belongs to it outside of the file.

An account that comes back so finds its mail, when that was moved aside with the account; one that goes so loses its
connections and web sessions, and its mail stays where it is until the account comes back. Key files of DKIM are never
taken away, so an earlier version finds those too.
"""

from __future__ import annotations

import asyncio

from app.config.dynamic import Dynamic
from app.config.live import Live
from app.config.loading import DOMAINS_CONF
from app.config.reading import read
from app.operations.removedaccounts import Holdings, mail_back
from app.store.websessions import Kind


async def restore_version(holdings: Holdings, number: int, seen: str, *, by: str = "") -> None:
    """Make a version the present one; `seen` is the digest of the file that was shown.

    Raises what `Live.restore` does: NoSuchVersion, Conflict, ConfigError, Temporary.
    """
    await asyncio.shield(asyncio.ensure_future(_restore(holdings, number, seen, by)))


async def _restore(holdings: Holdings, number: int, seen: str, by: str) -> None:
    before = holdings.live.dynamic
    await asyncio.to_thread(_write, holdings.live, number, seen, by)
    for name in before.accounts.keys() - holdings.live.dynamic.accounts.keys():
        await holdings.accounts.release(name)
        await holdings.sessions.end_all(Kind.ACCOUNT, name)


def _write(live: Live, number: int, seen: str, by: str) -> None:
    wanted = read(live.history.text(number), DOMAINS_CONF, Dynamic).value
    coming = wanted.accounts.keys() - live.dynamic.accounts.keys()
    with mail_back(live.data_dir, sorted(coming)):
        live.restore(number, seen, by)
